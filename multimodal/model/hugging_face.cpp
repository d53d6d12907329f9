#include <cmath>

#include "core/format/harmless_keys.h"
#include "multimodal/model/readers.h"
#include "text/model/families.h"
#include "text/tokenizer/load_tokenizer.h"
#include "vision/model/families.h"
#include "vision/preprocess/config.h"

namespace beeld {

namespace {

/// One tower's part of a configuration. In old files a second part overrides the first one, whole.
Settings part(Settings& config, const std::string& name) {
  const auto overriding = name + "_dict";
  auto chosen = config.object(config.has(overriding) ? overriding : name);
  config.ignore({name, overriding});
  return chosen;
}

/// What a dual encoder's configuration says beside its two towers' parts.
struct DualConfig {
  Settings text, vision;
  int embedding_width;  ///< D
  float logit_scale;    ///< of a new model
};

DualConfig read_dual_config(Settings config) {
  accept_encoder_keys(config);
  // The text tower's part has those that count.
  config.ignore({"bos_token_id", "eos_token_id", "pad_token_id"});
  const int width = config.bounded("projection_dim", 512, 1, 1 << 16);
  const auto scale = static_cast<float>(config.number("logit_scale_init_value", std::log(1 / 0.07)));
  DualConfig dual{part(config, "text_config"), part(config, "vision_config"), width, scale};
  config.done();
  return dual;
}

void read_sigmoid_dual(CheckpointReading& reading, SiglipSizes sizes) {
  constexpr float first_scale = 2.302585F, first_bias = -10;  // Zhai et al. 2023, section 3.2
  auto& [folder, config, weights, parts] = reading;
  const auto dual = read_dual_config(config);
  parts.text = read_siglip_text(weights, dual.text);
  parts.vision = read_siglip_vision(weights, dual.vision, sizes);
  parts.info.logit_scale = std::exp(weights.scalar("logit_scale", first_scale));
  parts.info.logit_bias = weights.scalar("logit_bias", first_bias);
  parts.info.scoring = Scoring::sigmoid;
}

/// The width of a projection, which a tower that is saved alone may lack.
int projection_of(const WeightReader& weights, Settings config, const char* name) {
  return weights.has(name) ? config.bounded("projection_dim", 512, 1, 1 << 16) : 0;
}

void take(ModelParts& parts, Classifier classifier) {
  parts.vision = std::move(classifier.tower);
  parts.classifier = std::move(classifier.head);
  parts.info.classes = std::move(classifier.classes);
}

}  // namespace

void read_clip(CheckpointReading& reading) {
  auto& [folder, config, weights, parts] = reading;
  const auto dual = read_dual_config(config);
  parts.text = read_clip_text(weights, dual.text, dual.embedding_width);
  parts.vision = read_clip_vision(weights, dual.vision, dual.embedding_width);
  parts.info.logit_scale = std::exp(weights.scalar("logit_scale", dual.logit_scale));
}

void read_metaclip2(CheckpointReading& reading) {
  read_clip(reading);
  // Its end token is 2, which says something else in CLIP's configurations.
  reading.parts.text->config.pool = TextPool::end_token;
}

void read_chinese_clip(CheckpointReading& reading) {
  auto& [folder, config, weights, parts] = reading;
  const auto dual = read_dual_config(config);
  parts.text = read_bert_text(weights, dual.text, dual.embedding_width);
  parts.vision = read_clip_vision(weights, dual.vision, dual.embedding_width);
  parts.info.logit_scale = std::exp(weights.scalar("logit_scale", dual.logit_scale));
}

void read_siglip(CheckpointReading& reading) { read_sigmoid_dual(reading, SiglipSizes::fixed); }

void read_siglip_naflex(CheckpointReading& reading) { read_sigmoid_dual(reading, SiglipSizes::naflex); }

void read_vit_classifier(CheckpointReading& reading) {
  take(reading.parts, read_vit(reading.weights, reading.config));
}

void read_dinov2_classifier(CheckpointReading& reading) {
  take(reading.parts, read_dinov2(reading.weights, reading.config));
}

void read_timm_classifier(CheckpointReading& reading) {
  take(reading.parts, read_timm(reading.weights, reading.config));
}

void read_clip_vision_alone(CheckpointReading& reading) {
  auto& [folder, config, weights, parts] = reading;
  parts.vision =
      read_clip_vision(weights, config, projection_of(weights, config, "visual_projection.weight"));
}

void read_clip_text_alone(CheckpointReading& reading) {
  auto& [folder, config, weights, parts] = reading;
  parts.text = read_clip_text(weights, config, projection_of(weights, config, "text_projection.weight"));
}

void read_siglip_vision_alone(CheckpointReading& reading) {
  reading.parts.vision = read_siglip_vision(reading.weights, reading.config, SiglipSizes::fixed);
}

void read_siglip_text_alone(CheckpointReading& reading) {
  reading.parts.text = read_siglip_text(reading.weights, reading.config);
}

void read_m_clip(CheckpointReading& reading) {
  reading.parts.text = read_m_clip_text(reading.weights, reading.config);
}

void read_picture_inputs(CheckpointReading& reading) {
  reading.parts.preprocess = hf_preprocess(reading.folder);
}

void read_text_inputs(CheckpointReading& reading) {
  reading.parts.tokenizer = load_hugging_face_tokenizer(reading.folder);
}

void read_picture_and_text_inputs(CheckpointReading& reading) {
  read_picture_inputs(reading);
  read_text_inputs(reading);
}

void read_padded_text_inputs(CheckpointReading& reading) {
  read_text_inputs(reading);
  reading.parts.text->config.pad_id = reading.parts.tokenizer->pad_id();
}

void read_padded_inputs(CheckpointReading& reading) {
  read_picture_inputs(reading);
  read_padded_text_inputs(reading);
}

void read_timm_inputs(CheckpointReading& reading) {
  reading.parts.preprocess = timm_preprocess(reading.config.object("pretrained_cfg"));
}

}  // namespace beeld
