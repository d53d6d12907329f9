#include <cmath>

#include "multimodal/model/readers.h"
#include "text/model/families.h"
#include "vision/model/families.h"
#include "vision/preprocess/config.h"

namespace beeld {

namespace {

/// quick_gelu, which Python takes for true where it is a word; only words that say so are understood.
bool read_quick_gelu(Settings& config) {
  if (!config.raw("quick_gelu").is_string()) return config.boolean("quick_gelu", false);
  config.require_any_of("quick_gelu", {"TRUE", "True", "true"});
  return true;
}

}  // namespace

void read_open_clip(CheckpointReading& reading) {
  auto& [folder, file, weights, parts] = reading;
  auto config = file.object("model_cfg");
  const int width = config.bounded("embed_dim", 512, 1, 1 << 16);
  const auto activation = read_quick_gelu(config) ? Activation::quick_gelu : Activation::gelu;
  const bool apart = config.boolean("custom_text", false);
  auto text = config.object("text_cfg");
  auto vision = config.object("vision_cfg");
  config.require("multimodal_cfg", nullptr);
  // Values to begin training with, the type and shape of what is read from the file, and how results are
  // returned.
  config.ignore(
      {"init_logit_scale", "init_logit_bias", "nonscalar_logit_scale", "cast_dtype", "output_dict"});
  config.done();

  parts.text = text.has("hf_model_name")
                   ? read_open_clip_encoder_text(weights, text, width)
                   : read_open_clip_text(weights, text, {apart ? "text." : "", width, activation});
  // The text tower's width decides nothing here: a tower is timm's if it names a timm model.
  parts.vision = vision.has("timm_model_name") ? read_open_clip_timm_vision(weights, vision, width)
                                               : read_open_clip_vision(weights, vision, {width, activation});
  parts.info.logit_scale = std::exp(weights.scalar("logit_scale"));
  if (weights.has("logit_bias")) {
    parts.info.logit_bias = weights.scalar("logit_bias");
    parts.info.scoring = Scoring::sigmoid;
  }
}

void read_open_clip_inputs(CheckpointReading& reading) {
  auto& [folder, file, weights, parts] = reading;
  parts.tokenizer = load_tokenizer(folder);
  // An encoder of Hugging Face's knows its padding itself, and counts positions from it.
  if (parts.text->config.pads == PadTokens::read) parts.text->config.pad_id = parts.tokenizer->pad_id();
  const auto& tower = parts.vision.config;
  parts.preprocess =
      open_clip_preprocess(file.object("preprocess_cfg"), {tower.image_height, tower.image_width});
  file.done();
}

}  // namespace beeld
