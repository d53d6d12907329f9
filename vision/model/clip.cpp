#include "core/format/block_settings.h"
#include "core/format/harmless_keys.h"
#include "vision/model/families.h"

namespace beeld {

VisionTower<float> read_clip_vision(WeightReader& weights, Settings settings, int embedding_width) {
  accept_encoder_keys(settings);
  // As in the text tower's part; and pictures have no tokens.
  settings.ignore({"projection_dim", "heads", "layers", "bos_token_id", "eos_token_id", "pad_token_id"});
  settings.require("num_channels", 3);
  const auto [block, layers] = read_stack(settings, {.activation = "quick_gelu", .norm_eps = 1e-5});
  VisionTower<float> tower;
  auto& config = tower.config;
  config.image_height = config.image_width = settings.bounded("image_size", 224, 1, 1 << 14);
  config.patch = settings.bounded("patch_size", 32, 1, 1 << 10);
  settings.done();
  config.class_tokens = config.positioned_tokens = 1;
  config.positions = {config.image_height / config.patch, config.image_width / config.patch};
  config.input_norm = InputNorm::present;
  config.output_norm = OutputNorm::after_pooling;
  config.block = block;
  config.layers = layers;

  const std::int64_t width = block.width, patch = config.patch;
  const std::string model = "vision_model.";
  tower.patch_embedding = weights.linear(model + "embeddings.patch_embedding.", {width, 3 * patch * patch},
                                         Bias::absent, {width, 3, patch, patch});
  tower.prefix = weights.read(model + "embeddings.class_embedding", {1, width}, {width});
  tower.positions = weights.read(model + "embeddings.position_embedding.weight",
                                 {1 + config.positions.rows * config.positions.columns, width});
  tower.input_norm = weights.norm(model + "pre_layrnorm.", block);  // spelt so in every checkpoint
  tower.encoder = weights.transformer(block, layers, self_attn_names, [&](int i) {
    return model + "encoder.layers." + std::to_string(i) + ".";
  });
  tower.output_norm = weights.norm(model + "post_layernorm.", block);
  if (embedding_width > 0)
    tower.projection = weights.linear("visual_projection.", {embedding_width, width}, Bias::absent);
  weights.ignore({".position_ids"});
  return tower;
}

}  // namespace beeld
