#include "multimodal/model/sentence_transformers.h"

#include <beeld/error.h>

#include <array>
#include <map>

#include "core/base/files.h"
#include "core/format/checkpoint.h"
#include "multimodal/model/readers.h"
#include "text/model/encoder.h"
#include "text/tokenizer/load_tokenizer.h"

namespace beeld {

namespace {

namespace fs = std::filesystem;

constexpr const char* dense_files[] = {"model.safetensors", "pytorch_model.bin"};

/// The settings of the first step, under each of the names that the program has given them.
constexpr const char* transformer_files[] = {
    "sentence_bert_config.json", "sentence_roberta_config.json", "sentence_distilbert_config.json",
    "sentence_xlm-roberta_config.json", "sentence_camembert_config.json"};

/// One folder below the root, or the root itself.
bool is_inside(const std::string& path) {
  return path != ".." && path != "." && path.find('/') == std::string::npos &&
         path.find('\0') == std::string::npos;
}

[[noreturn]] void unsupported(const std::string& origin, const std::string& what) {
  throw Error(ErrorCode::unsupported, "[config] " + origin + ": " + what);
}

/// Where the modules are listed: beside the encoder's files, or around their folder.
fs::path root_around(const fs::path& folder) {
  return fs::exists(folder / modules_file) ? folder : fs::absolute(folder).lexically_normal().parent_path();
}

/// Which of the pooling_mode_... is on; more than one would stand side by side.
TextPool read_pool(const fs::path& folder) {
  auto settings = Settings::from_file((folder / "config.json").string());
  settings.ignore({"word_embedding_dimension", "embedding_dimension", "include_prompt"});
  const auto name = settings.string("pooling_mode", "");
  const auto mode = [&](const char* kind, bool otherwise) {
    return settings.boolean(std::string("pooling_mode_") + kind, name.empty() && otherwise);
  };
  const bool first = mode("cls_token", false) || name == "cls";
  const bool mean = mode("mean_tokens", true) || name == "mean";
  const bool max = mode("max_tokens", false) || name == "max";
  for (const auto* other : {"mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken"})
    settings.require(std::string("pooling_mode_") + other, false);
  settings.done();
  if (first + mean + max != 1) unsupported(settings.origin(), "expected one pooling: of cls, mean and max");
  return first ? TextPool::first : mean ? TextPool::mean : TextPool::max;
}

/// "torch.nn.modules.activation.Tanh" and the like.
Activation read_activation(Settings& settings) {
  static const std::map<std::string, Activation, std::less<>> known{{"Identity", Activation::identity},
                                                                    {"Tanh", Activation::tanh},
                                                                    {"ReLU", Activation::relu},
                                                                    {"GELU", Activation::gelu},
                                                                    {"SiLU", Activation::silu}};
  const auto name = settings.string("activation_function", "torch.nn.modules.activation.Tanh");
  const auto it = known.find(name.substr(name.rfind('.') + 1));
  if (it == known.end()) unsupported(settings.origin(), "activation_function is \"" + name + "\"");
  return it->second;
}

/// A dense layer; without a checkpoint that is read its own weights need not be there either.
DenseLayer<float> read_dense(CheckpointReading& reading, const fs::path& folder, std::int64_t width) {
  auto settings = Settings::from_file((folder / "config.json").string());
  const int in = settings.bounded("in_features", static_cast<int>(width), 1, 1 << 16);
  const int out = settings.bounded("out_features", in, 1, 1 << 16);
  const auto bias = settings.boolean("bias", true) ? Bias::present : Bias::absent;
  const auto activation = read_activation(settings);
  for (const auto* key : {"module_input_name", "module_output_name"})
    settings.require(key, "sentence_embedding");
  settings.ignore({"init_weight", "init_bias"});
  settings.done();
  if (in != width) {
    throw Error(ErrorCode::corrupt, "[config] " + settings.origin() + ": in_features is " +
                                        std::to_string(in) + ", of " + std::to_string(width) + " channels");
  }
  if (!reading.weights.reads()) return {WeightReader::blank().linear("linear.", {out, in}, bias), activation};
  const auto checkpoint = Checkpoint::open(folder, dense_files);
  WeightReader weights(checkpoint, checkpoint.path().string());
  DenseLayer<float> layer{weights.linear("linear.", {out, in}, bias), activation};
  weights.done();
  reading.parts.identity += checkpoint.digest();
  reading.parts.info.parameters += weights.parameters();
  return layer;
}

/// What follows the encoder, step by step.
void read_module(CheckpointReading& reading, const SentenceModule& module) {
  auto& tower = *reading.parts.text;
  const bool normalized = tower.config.embedding_length == EmbeddingLength::one;
  if (module.kind == "Pooling") {
    tower.config.pool = read_pool(module.folder);
  } else if (module.kind == "Dense" && !normalized) {
    tower.head.push_back(read_dense(reading, module.folder, tower.embedding_width()));
  } else if (module.kind == "Normalize") {
    tower.config.embedding_length = EmbeddingLength::one;
  } else if (module.kind != "Dropout") {  // which is nothing outside training
    unsupported((root_around(reading.folder) / modules_file).string(),
                "a module " + module.kind + (normalized ? " behind Normalize" : "") +
                    "; known are Transformer, Pooling, Dense and Normalize");
  }
  const auto config = module.folder / "config.json";
  if (fs::exists(config)) reading.parts.identity += read_file(config, 1u << 20);
}

/// A prompt that stands before every text unless told otherwise would be part of it.
void check_prompt(const fs::path& root) {
  const auto file = root / "config_sentence_transformers.json";
  if (fs::exists(file)) Settings::from_file(file.string()).require("default_prompt_name", nullptr);
}

}  // namespace

std::vector<SentenceModule> read_sentence_modules(const fs::path& root) {
  std::vector<SentenceModule> modules;
  const auto file = root / modules_file;
  if (!fs::exists(file)) return modules;
  const auto list = read_json(file);
  const auto corrupt = [&](const std::string& what) {
    throw Error(ErrorCode::corrupt, "[load] " + file.string() + ": " + what);
  };
  if (!list.is_array() || list.empty()) corrupt("expected a list of modules");
  for (const auto& entry : list) {
    Settings settings(entry, file.string());
    const auto path = settings.string("path", ""), type = settings.string("type", "");
    if (!is_inside(path)) corrupt("a module's path is \"" + path + "\"; expected a folder beside it");
    modules.push_back({type.substr(type.rfind('.') + 1), path.empty() ? root : root / path});
  }
  return modules;
}

void read_sentence_transformer(CheckpointReading& reading) {
  auto& [folder, config, weights, parts] = reading;
  const auto root = root_around(folder);
  const auto modules = read_sentence_modules(root);
  if (modules.empty() || modules.front().kind != "Transformer") {
    unsupported((root / modules_file).string(),
                "expected a first module Transformer, got " +
                    (modules.empty() ? std::string("none") : modules.front().kind));
  }
  check_prompt(root);
  parts.text = read_encoder(weights, "", read_encoder_shape(config, encoder_kind(config)));
  parts.text->config.pool = TextPool::mean;
  weights.ignore({"pooler.dense.weight", "pooler.dense.bias"});
  for (std::size_t i = 1; i < modules.size(); ++i) read_module(reading, modules[i]);
}

void read_sentence_inputs(CheckpointReading& reading) {
  auto cleaning = Cleaning::strip;
  std::size_t longest = 0;
  for (const auto* name : transformer_files) {
    const auto file = reading.folder / name;
    if (!fs::exists(file)) continue;
    auto settings = Settings::from_file(file.string());
    if (settings.boolean("do_lower_case", false)) cleaning = Cleaning::strip_lower;
    longest = static_cast<std::size_t>(settings.bounded("max_seq_length", 0, 0, 1 << 20));
    reading.parts.identity += read_file(file, 1u << 20);
    break;
  }
  reading.parts.tokenizer = load_cleaning_tokenizer(reading.folder, cleaning);
  if (longest > 0) reading.parts.tokenizer->set_context_length(longest);
}

}  // namespace beeld
