#include <beeld/error.h>

#include <algorithm>
#include <cmath>

#include "core/base/digest.h"
#include "core/base/files.h"
#include "core/format/block_settings.h"
#include "core/format/weights.h"
#include "multimodal/data/class_names.h"
#include "multimodal/model/model_state.h"
#include "text/model/families.h"
#include "vision/model/families.h"
#include "vision/preprocess/config.h"

namespace beeld {

namespace {

namespace fs = std::filesystem;
using State = ModelParts;

constexpr const char* hugging_face_files[] = {"model.safetensors", "model.safetensors.index.json"};
constexpr const char* open_clip_files[] = {"open_clip_model.safetensors",
                                           "open_clip_pytorch_model.safetensors", "model.safetensors"};

/// The checkpoint of one folder, while it is being read.
struct Source {
  fs::path folder;
  Checkpoint checkpoint;
  WeightReader weights;

  Source(const fs::path& path, std::span<const char* const> files, WeightUse use)
      : folder(path), checkpoint(Checkpoint::open(path, files)), weights(checkpoint, path.string(), use) {}
};

void read_logit_scale(State& state, WeightReader& weights) {
  state.info.logit_scale = std::exp(weights.scalar("logit_scale"));
  if (weights.has("logit_bias")) {
    state.info.logit_bias = weights.scalar("logit_bias");
    state.info.scoring = Scoring::sigmoid;
  }
}

void cut_texts(Tokenizer& tokenizer, const TextTower<float>& text) {
  const auto positions = static_cast<std::size_t>(text.config.context_length);
  const auto own = tokenizer.context_length();
  tokenizer.set_context_length(own == 0 ? positions : std::min(own, positions));
}

/// One tower's part of a configuration. In old files a second part overrides the first one, whole.
Settings part(Settings& settings, const std::string& name) {
  const auto overriding = name + "_dict";
  auto chosen = settings.object(settings.has(overriding) ? overriding : name);
  settings.ignore({name, overriding});
  return chosen;
}

void read_clip(State& state, Source& source, Settings settings, const std::string& family) {
  state.info.family = family;
  const int width = settings.bounded("projection_dim", 512, 1, 1 << 16);
  auto text = part(settings, "text_config");
  auto vision = part(settings, "vision_config");
  settings.done();
  state.text = family == "Chinese-CLIP" ? read_bert_text(source.weights, text, width)
                                        : read_clip_text(source.weights, text, width);
  state.vision = read_clip_vision(source.weights, vision, width);
  read_logit_scale(state, source.weights);
}

void read_siglip(State& state, Source& source, Settings settings, SiglipSizes sizes) {
  state.info.family = sizes == SiglipSizes::naflex ? "SigLIP 2 NaFlex" : "SigLIP";
  auto text = part(settings, "text_config");
  auto vision = part(settings, "vision_config");
  settings.done();
  state.text = read_siglip_text(source.weights, text, state.tokenizer->pad_id());
  state.vision = read_siglip_vision(source.weights, vision, sizes);
  read_logit_scale(state, source.weights);
}

void take(State& state, Classifier classifier) {
  state.vision = std::move(classifier.tower);
  state.classifier = std::move(classifier.head);
  state.info.classes = std::move(classifier.classes);
}

void read_timm_classifier(State& state, Source& source, Settings settings) {
  state.info.family = "timm ViT";
  state.preprocess = timm_preprocess(settings.object("pretrained_cfg"));
  take(state, read_timm(source.weights, settings));
  // timm's configurations seldom name the classes; a class file beside them may.
  const auto names = source.folder / "classes.tsv";
  if (state.info.classes.empty() && fs::exists(names)) state.info.classes = read_class_names(names);
}

void read_hugging_face(State& state, Source& source, Settings settings) {
  if (settings.has("architecture")) return read_timm_classifier(state, source, settings);
  const auto type = settings.string("model_type", "");
  state.preprocess = hf_preprocess(source.folder);
  if (type == "vit" || type.starts_with("dinov2")) {
    if (type != "vit" && type != "dinov2") settings.require("model_type", "dinov2_with_registers");
    state.info.family = type == "vit" ? "ViT" : "DINOv2";
    return take(state,
                type == "vit" ? read_vit(source.weights, settings) : read_dinov2(source.weights, settings));
  }
  ignore_bookkeeping(settings);
  settings.ignore({"bos_token_id", "eos_token_id", "pad_token_id"});
  if (type != "clip" && type != "chinese_clip" && type != "siglip" && type != "siglip2") {
    throw Error(ErrorCode::unsupported,
                "[load] " + source.folder.string() + ": model_type is \"" + type +
                    "\"; known are clip, siglip, siglip2, chinese_clip, vit, dinov2, " +
                    "dinov2_with_registers, and timm's architectures");
  }
  state.tokenizer = load_tokenizer(source.folder);
  if (type == "clip") return read_clip(state, source, settings, "CLIP");
  if (type == "chinese_clip") return read_clip(state, source, settings, "Chinese-CLIP");
  return read_siglip(state, source, settings, type == "siglip" ? SiglipSizes::fixed : SiglipSizes::naflex);
}

void read_open_clip(State& state, Source& source, Settings file) {
  state.info.family = "OpenCLIP";
  auto settings = file.object("model_cfg");
  const int width = settings.bounded("embed_dim", 512, 1, 1 << 16);
  const auto activation = settings.boolean("quick_gelu", false) ? Activation::quick_gelu : Activation::gelu;
  const bool apart = settings.boolean("custom_text", false);
  auto text = settings.object("text_cfg");
  auto vision = settings.object("vision_cfg");
  settings.require("multimodal_cfg", nullptr);
  settings.ignore(
      {"init_logit_scale", "init_logit_bias", "nonscalar_logit_scale", "cast_dtype", "output_dict"});
  settings.done();

  state.tokenizer = load_tokenizer(source.folder);
  state.text = read_open_clip_text(source.weights, text,
                                   {apart ? "text." : "", width, activation, state.tokenizer->pad_id()});
  // The text tower's width decides nothing here: a tower is timm's if it names a timm model.
  state.vision = vision.has("timm_model_name")
                     ? read_open_clip_timm_vision(source.weights, vision, width)
                     : read_open_clip_vision(source.weights, vision, {width, activation});
  const auto& config = state.vision.config;
  state.preprocess =
      open_clip_preprocess(file.object("preprocess_cfg"), {config.image_height, config.image_width});
  file.done();
  read_logit_scale(state, source.weights);
}

std::string fingerprint(const fs::path& folder, const Checkpoint& checkpoint) {
  Digest digest;
  digest.add(checkpoint.digest());
  for (const auto* name : {"config.json", "open_clip_config.json", "preprocessor_config.json"}) {
    if (fs::exists(folder / name)) digest.add(read_file(folder / name, 64u << 20));
  }
  return digest.hex();
}

void check_parts(const State& state, const fs::path& folder) {
  const auto classes = static_cast<std::int64_t>(state.info.classes.size());
  if (state.classifier.present() && classes != 0 && classes != state.classifier.weight.rows()) {
    throw Error(ErrorCode::corrupt, "[load] " + folder.string() + ": " + std::to_string(classes) +
                                        " class names for " + std::to_string(state.classifier.weight.rows()) +
                                        " classes");
  }
  if (!state.text) return;
  const auto width = state.text->embedding_width();
  if (width != state.vision.embedding_width()) {
    throw Error(ErrorCode::corrupt, "[load] " + folder.string() + ": texts are embedded in " +
                                        std::to_string(width) + " dimensions, pictures in " +
                                        std::to_string(state.vision.embedding_width()));
  }
}

bool is_open_clip(const fs::path& folder) { return fs::exists(folder / "open_clip_config.json"); }

Source open_source(const fs::path& folder, WeightUse use) {
  if (!fs::is_directory(folder)) {
    throw Error(ErrorCode::not_found,
                "[load] " + folder.string() + ": no such folder; expected a checkpoint folder");
  }
  return {folder, is_open_clip(folder) ? std::span<const char* const>(open_clip_files) : hugging_face_files,
          use};
}

void read_state(State& state, Source& source) {
  const auto& folder = source.folder;
  const bool open_clip = is_open_clip(folder);
  auto settings =
      Settings::from_file((folder / (open_clip ? "open_clip_config.json" : "config.json")).string());
  open_clip ? read_open_clip(state, source, settings) : read_hugging_face(state, source, settings);
  source.weights.done();
  check_parts(state, folder);
  if (state.text) cut_texts(*state.tokenizer, *state.text);

  auto& info = state.info;
  info.name = fs::weakly_canonical(folder).filename().string();
  info.folder = folder;
  info.fingerprint = fingerprint(folder, source.checkpoint);
  info.dimension = static_cast<std::size_t>(state.vision.embedding_width());
  info.parameters = source.weights.parameters();
  info.image_size = state.vision.config.image_width;
  info.has_text = state.text.has_value();
}

std::shared_ptr<const Model::State> load(const fs::path& folder, const LoadOptions& options) {
  auto source = open_source(folder, WeightUse::packing);
  State state;
  read_state(state, source);
  if (options.weights != WeightType::f32) {
    Digest digest;
    digest.add(state.info.fingerprint);
    digest.add(name_of(options.weights));
    state.info.fingerprint = digest.hex();
  }
  return std::make_shared<Model::State>(std::move(state), std::move(source.checkpoint), options.weights);
}

Tensor<float> find(const std::vector<NamedTensor>& named, const std::string& name) {
  const auto it =
      std::find_if(named.begin(), named.end(), [&](const auto& tensor) { return tensor.name == name; });
  return it == named.end() ? Tensor<float>{} : it->values;
}

}  // namespace

TrainableModel load_trainable(const fs::path& folder) {
  auto source = open_source(folder, WeightUse::training);
  TrainableModel model;
  read_state(model.state, source);
  const auto& family = model.state.info.family;
  if (is_open_clip(folder) || (family != "CLIP" && family != "SigLIP")) {
    throw Error(ErrorCode::unsupported, "[train] " + folder.string() + ": a model of the family " + family +
                                            "; CLIP and SigLIP in Hugging Face's layout can be trained");
  }
  model.named = source.weights.named();
  model.logit_scale = find(model.named, "logit_scale");
  model.logit_bias = find(model.named, "logit_bias");
  return model;
}

std::vector<NamedTensor> draw_weights(const fs::path& config, std::uint64_t seed) {
  auto settings = Settings::from_file(config.string());
  const auto type = settings.string("model_type", "");
  WeightReader weights(seed);
  auto text = part(settings, "text_config"), vision = part(settings, "vision_config");
  const auto scale = static_cast<float>(settings.number("logit_scale_init_value", std::log(1 / 0.07)));
  if (type == "clip") {
    const int width = settings.bounded("projection_dim", 512, 1, 1 << 16);
    read_clip_text(weights, text, width);
    read_clip_vision(weights, vision, width);
    weights.scalar("logit_scale", scale);
  } else if (type == "siglip") {
    constexpr float first_scale = 2.302585F, first_bias = -10;  // Zhai et al. 2023, section 3.2
    read_siglip_text(weights, text, 1);
    read_siglip_vision(weights, vision, SiglipSizes::fixed);
    weights.scalar("logit_scale", first_scale);
    weights.scalar("logit_bias", first_bias);
  } else {
    throw Error(ErrorCode::unsupported, "[train] " + config.string() + ": model_type is \"" + type +
                                            "\"; new models are clip or siglip");
  }
  return weights.named();
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
