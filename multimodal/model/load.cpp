#include <beeld/error.h>

#include <algorithm>

#include "core/base/digest.h"
#include "core/base/files.h"
#include "multimodal/data/class_names.h"
#include "multimodal/model/families.h"
#include "multimodal/model/model_state.h"
#include "multimodal/model/notes.h"
#include "multimodal/model/openai.h"
#include "multimodal/model/sentence_transformers.h"
#include "vision/preprocess/config.h"

namespace beeld {

namespace {

namespace fs = std::filesystem;

constexpr const char* hugging_face_files[] = {"model.safetensors", "model.safetensors.index.json",
                                              "pytorch_model.bin", "pytorch_model.bin.index.json"};
constexpr const char* open_clip_files[] = {"open_clip_model.safetensors",
                                           "open_clip_pytorch_model.safetensors", "model.safetensors",
                                           "model.safetensors.index.json", "open_clip_pytorch_model.bin"};
constexpr const char* hugging_face_config = "config.json";
constexpr const char* open_clip_config = "open_clip_config.json";

// Open.

/// Where a checkpoint lies that is given by its folder or by the file of its weights.
fs::path root_of(const fs::path& path) {
  return fs::is_regular_file(path) ? fs::absolute(path).parent_path() : path;
}

/// Where the weights lie, and the files that go with them: in the first module's folder, where a checkpoint
/// consists of modules.
fs::path folder_of(const fs::path& path) {
  const auto root = root_of(path);
  if (fs::is_regular_file(path) || fs::exists(root / open_clip_config)) return root;
  const auto modules = read_sentence_modules(root);
  return modules.empty() ? root : modules.front().folder;
}

Checkpoint open_checkpoint(const fs::path& path, const fs::path& folder) {
  if (fs::is_regular_file(path)) return Checkpoint(path);
  if (!fs::is_directory(folder)) {
    throw Error(ErrorCode::not_found,
                "[load] " + folder.string() + ": no such folder; expected a checkpoint folder");
  }
  if (fs::exists(folder / open_clip_config)) return Checkpoint::open(folder, open_clip_files);
  return Checkpoint::open(folder, hugging_face_files);
}

/// Whether the weights go with `open_clip_config.json`: a whole repository holds the same model in both
/// layouts, and it may be Hugging Face's weights that were found.
bool is_open_clip(const fs::path& folder, const Checkpoint& checkpoint) {
  if (!fs::exists(folder / open_clip_config)) return false;
  if (!fs::exists(folder / hugging_face_config)) return true;
  const auto names = checkpoint.names();
  return std::any_of(names.begin(), names.end(),
                     [](const auto& name) { return name.starts_with("visual."); });
}

/// As far as it can be told without the configuration: timm's folders look like Hugging Face's.
FolderLayout layout_of(const fs::path& folder, const Checkpoint& checkpoint) {
  if (is_openai(checkpoint)) return FolderLayout::openai;
  return is_open_clip(folder, checkpoint) ? FolderLayout::open_clip : FolderLayout::hugging_face;
}

Settings read_config(const fs::path& folder, const Checkpoint& checkpoint, FolderLayout layout) {
  if (layout == FolderLayout::openai) return {openai_configuration(checkpoint), checkpoint.path().string()};
  const auto* name = layout == FolderLayout::open_clip ? open_clip_config : hugging_face_config;
  return Settings::from_file((folder / name).string());
}

/// A checkpoint, given by its folder or by the file of its weights.
struct Source {
  fs::path path;
  fs::path root, folder;
  Checkpoint checkpoint;
  FolderLayout layout;
  Settings config;
  WeightReader weights;

  Source(const fs::path& folder_or_file, WeightUse use)
      : path(folder_or_file),
        root(root_of(path)),
        folder(folder_of(path)),
        checkpoint(open_checkpoint(path, folder)),
        layout(layout_of(folder, checkpoint)),
        config(read_config(folder, checkpoint, layout)),
        weights(checkpoint, checkpoint.path().string(), use) {}
};

// Recognise.

/// By a `config.json`, and by what lies in the root of its checkpoint.
FolderLayout layout_of(const fs::path& root, Settings config) {
  if (config.has("architecture")) return FolderLayout::timm;
  const bool modules = !is_known_type(config.string("model_type", "")) && fs::exists(root / modules_file);
  return modules ? FolderLayout::sentence_transformers : FolderLayout::hugging_face;
}

const Family& recognize(const Source& source) {
  const bool in_config = source.layout == FolderLayout::hugging_face;
  return family_of(in_config ? layout_of(source.root, source.config) : source.layout, source.config);
}

// Read.

std::string fingerprint(const fs::path& folder, const Checkpoint& checkpoint, const std::string& identity) {
  Digest digest;
  digest.add(checkpoint.digest());
  for (const auto& name : {std::string(hugging_face_config), std::string(open_clip_config),
                           hf_preprocess_file(folder).filename().string()}) {
    if (fs::exists(folder / name)) digest.add(read_file(folder / name, 64u << 20));
  }
  if (!identity.empty()) digest.add(identity);
  return digest.hex();
}

/// What the classifier's classes are called where the configuration does not say: as a class file beside it
/// says, else by their numbers.
void name_classes(ModelParts& parts, const fs::path& folder) {
  auto& classes = parts.info.classes;
  if (!parts.classifier.present() || !classes.empty()) return;
  const auto names = folder / "classes.tsv";
  if (fs::exists(names)) {
    classes = read_class_names(names);
  } else {
    for (std::int64_t i = 0; i < parts.classifier.weight.rows(); ++i) classes.push_back(std::to_string(i));
  }
}

/// A tokenizer may allow more than the text tower has positions for.
void cut_texts(Tokenizer& tokenizer, const TextTower<float>& text) {
  const auto positions = static_cast<std::size_t>(text.config.context_length);
  const auto own = tokenizer.context_length();
  tokenizer.set_context_length(own == 0 ? positions : std::min(own, positions));
}

ModelParts read(Source& source, const Family& family) {
  ModelParts parts;
  CheckpointReading reading{source.folder, source.config, source.weights, parts};
  family.read_towers(reading);
  family.read_inputs(reading);
  source.weights.done();
  name_classes(parts, source.folder);
  if (parts.text) cut_texts(*parts.tokenizer, *parts.text);

  auto& info = parts.info;
  info.family = family.name;
  info.name = fs::weakly_canonical(source.path).filename().string();
  info.folder = source.path;
  info.fingerprint = fingerprint(source.folder, source.checkpoint, parts.identity);
  info.has_images = parts.vision.present();
  info.dimension = static_cast<std::size_t>(info.has_images ? parts.vision.embedding_width()
                                                            : parts.text->embedding_width());
  info.parameters += source.weights.parameters();
  info.image_size = info.has_images ? parts.vision.config.image_width : 0;
  info.has_text = parts.text.has_value();
  add_notes(parts, family, source.folder);
  return parts;
}

// Check.

ModelParts checked(ModelParts parts) {
  const auto corrupt = [&](const std::string& fact) {
    throw Error(ErrorCode::corrupt, "[load] " + parts.info.folder.string() + ": " + fact);
  };
  const auto classes = static_cast<std::int64_t>(parts.info.classes.size());
  if (parts.classifier.present() && classes != parts.classifier.weight.rows()) {
    corrupt(std::to_string(classes) + " class names for " + std::to_string(parts.classifier.weight.rows()) +
            " classes");
  }
  if (!parts.text) return parts;
  const auto width = static_cast<std::size_t>(parts.text->embedding_width());
  if (width != parts.info.dimension) {
    corrupt("texts are embedded in " + std::to_string(width) + " dimensions, pictures in " +
            std::to_string(parts.info.dimension));
  }
  return parts;
}

std::shared_ptr<const Model::State> load(const fs::path& folder, const LoadOptions& options) {
  Source source(folder, WeightUse::inference);
  const auto& family = recognize(source);
  auto parts = checked(read(source, family));
  if (options.weights != WeightType::f32) {
    Digest digest;
    digest.add(parts.info.fingerprint);
    digest.add(name_of(options.weights));
    parts.info.fingerprint = digest.hex();
  }
  return std::make_shared<Model::State>(std::move(parts), std::move(source.checkpoint), options.weights);
}

void require_trainable(const Family& family, const fs::path& path) {
  if (family.training != Training::none) return;
  throw Error(ErrorCode::unsupported, "[train] " + path.string() + ": a model of the family " + family.name +
                                          "; those that can be trained are " + trainable_families());
}

Tensor<float> find(const std::vector<NamedTensor>& named, const std::string& name) {
  const auto it =
      std::find_if(named.begin(), named.end(), [&](const auto& tensor) { return tensor.name == name; });
  return it == named.end() ? Tensor<float>{} : it->values;
}

}  // namespace

TrainableModel load_trainable(const fs::path& folder) {
  Source source(folder, WeightUse::training);
  const auto& family = recognize(source);
  require_trainable(family, folder);
  TrainableModel model;
  model.state = checked(read(source, family));
  model.named = source.weights.named();
  model.logit_scale = find(model.named, "logit_scale");
  model.logit_bias = find(model.named, "logit_bias");
  return model;
}

std::vector<NamedTensor> initialize_weights(const fs::path& config, std::uint64_t seed) {
  const auto settings = Settings::from_file(config.string());
  const auto& family = family_of(layout_of(config.parent_path(), settings), settings);
  require_trainable(family, config);
  WeightReader weights(seed);
  ModelParts parts;
  CheckpointReading reading{config.parent_path(), settings, weights, parts};
  family.read_towers(reading);
  return weights.named();
}

void check_configuration(const fs::path& root, FilesThere there) {
  const auto folder = folder_of(root);
  const bool open_clip = fs::exists(folder / open_clip_config);
  if (!open_clip && !fs::exists(folder / hugging_face_config)) return;
  const auto config =
      Settings::from_file((folder / (open_clip ? open_clip_config : hugging_face_config)).string());
  const auto& family = family_of(open_clip ? FolderLayout::open_clip : layout_of(root, config), config);
  auto weights = WeightReader::blank();
  ModelParts parts;
  CheckpointReading reading{folder, config, weights, parts};
  family.read_towers(reading);
  if (there == FilesThere::all_but_weights) {
    family.read_inputs(reading);
  } else if (family.layout == FolderLayout::hugging_face && parts.vision.present()) {
    hf_preprocess(folder);
  }
}

std::shared_ptr<const Model::State> load_checkpoint(const fs::path& folder, const LoadOptions& options) {
  try {
    return load(folder, options);
  } catch (const fs::filesystem_error& error) {
    throw Error(ErrorCode::io, std::string("[load] ") + error.what());
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::limit, "[load] " + folder.string() + ": not enough memory");
  }
}

}  // namespace beeld
