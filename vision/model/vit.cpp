#include <algorithm>
#include <charconv>

#include "core/format/block_settings.h"
#include "core/format/harmless_keys.h"
#include "vision/model/families.h"

namespace beeld {

namespace {

constexpr BlockNames names{
    .attention_norm = "layernorm_before.",
    .query = "attention.attention.query.",
    .key = "attention.attention.key.",
    .value = "attention.attention.value.",
    .output = "attention.output.dense.",
    .mlp_norm = "layernorm_after.",
    .up = "intermediate.dense.",
    .down = "output.dense.",
};

}  // namespace

std::vector<std::string> class_names(Settings& settings) {
  const auto& labels = settings.raw("id2label");
  std::vector<std::string> classes(labels.is_object() ? labels.size() : 0);
  for (const auto& [key, value] : labels.items()) {
    std::size_t id = 0;
    const auto [end, status] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (status != std::errc() || end != key.data() + key.size() || id >= classes.size() ||
        !value.is_string()) {
      throw Error(ErrorCode::corrupt,
                  "[config] " + settings.origin() + ": id2label has an entry \"" + key + "\"");
    }
    classes[id] = value.get<std::string>();
  }
  return classes;
}

Classifier read_vit(WeightReader& weights, Settings settings) {
  Classifier model;
  model.classes = class_names(settings);
  accept_encoder_keys(settings);
  settings.ignore({"pooler_act", "pooler_output_size"});
  settings.require("num_channels", 3);
  const auto [block, layers] = read_stack(settings, {.activation = "gelu", .norm_eps = 1e-12});
  auto& config = model.tower.config;
  config.image_height = config.image_width = settings.bounded("image_size", 224, 1, 1 << 14);
  config.patch = settings.bounded("patch_size", 16, 1, 1 << 10);
  config.patch_bias = Bias::present;
  config.class_tokens = config.positioned_tokens = 1;
  config.positions = {config.image_height / config.patch, config.image_width / config.patch};
  config.block = block;
  if (!settings.boolean("qkv_bias", true)) config.block.attention.query_key_value_bias = Bias::absent;
  config.layers = layers;
  settings.done();

  const std::int64_t width = block.width, values = std::int64_t{3} * config.patch * config.patch;
  const std::string vit =
      weights.has("vit.embeddings.cls_token") ? "vit." : "";  // absent without a classifier
  auto& tower = model.tower;
  tower.prefix = weights.read(vit + "embeddings.cls_token", {1, width});
  tower.patch_embedding =
      weights.linear(vit + "embeddings.patch_embeddings.projection.", {width, values}, config.patch_bias);
  tower.positions = weights.read(vit + "embeddings.position_embeddings",
                                 {1 + config.positions.rows * config.positions.columns, width});
  tower.encoder = weights.transformer(
      config.block, layers, names, [&](int i) { return vit + "encoder.layer." + std::to_string(i) + "."; });
  tower.output_norm = weights.norm(vit + "layernorm.", block);
  if (weights.has("classifier.weight")) {
    model.head = weights.head("classifier.", width);
  }
  weights.ignore({".pooler.dense.weight", ".pooler.dense.bias", "pooler.dense.weight", "pooler.dense.bias",
                  ".mask_token"});
  return model;
}

}  // namespace beeld
