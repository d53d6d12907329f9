#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "core/format/settings.h"
#include "core/format/weights.h"
#include "multimodal/model/model_state.h"

namespace beeld {

/// How a checkpoint folder is laid out, and so what its family is known by.
enum class FolderLayout {
  hugging_face,           ///< `config.json`, whose model_type names the family
  open_clip,              ///< `open_clip_config.json`
  openai,                 ///< an archive with a tensor `input_resolution`, which needs no configuration
  timm,                   ///< `config.json` that names an architecture
  sentence_transformers,  ///< `modules.json`, whose first module is an encoder of texts
};

/// A checkpoint while it is being read, or a model that is yet to learn while it is being made.
struct CheckpointReading {
  std::filesystem::path folder;
  Settings config;        ///< all of the configuration
  WeightReader& weights;  ///< reads them, or draws them
  ModelParts& parts;      ///< what has been read so far
};

/// What can be trained.
enum class Training {
  none,
  from_scratch,  ///< a checkpoint, and a new model of a configuration's shape
};

/// One family of checkpoints. Adding one is a line in families.cpp, and the functions it names.
struct Family {
  const char* name;  ///< for people: `beeld info`, the README's table
  FolderLayout layout;
  const char* model_type;  ///< in Hugging Face's layout, else null
  /// The configuration and every weight; without a checkpoint they are drawn, so that nothing else is read.
  void (*read_towers)(CheckpointReading&);
  /// What stands before the towers, once they are read: preprocessing, tokenizer.
  void (*read_inputs)(CheckpointReading&);
  Training training;
};

/// All families, in the order of the README's table.
std::span<const Family> families();

/// Whether a family has this model_type, in Hugging Face's layout.
bool is_known_type(const std::string& model_type);

/// The family of a configuration. Throws Error(unsupported) for another one, and names those that are known.
const Family& family_of(FolderLayout layout, Settings config);

/// How much of a checkpoint lies in its folder already.
enum class FilesThere {
  configuration,    ///< the configurations of the towers and of the preprocessing
  all_but_weights,  ///< and the tokenizer's files
};

/// Tells before there are weights whether a checkpoint can be read, as far as they do not decide: its family,
/// every setting, and the input files. A folder without a configuration passes, because OpenAI's archives
/// need none. Throws Error as Model::load.
void check_configuration(const std::filesystem::path& folder, FilesThere there);

/// What a family is recognised by, as errors and the README say it: "clip", or "open_clip_config.json".
std::string recognition_of(const Family& family);

/// What all families are recognised by, in one list: "clip, chinese_clip, ... and timm's architectures".
std::string known_families();

/// The names of those that can be trained: "CLIP and SigLIP".
std::string trainable_families();

}  // namespace beeld
