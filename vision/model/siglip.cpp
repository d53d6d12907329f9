#include "core/format/block_settings.h"
#include "core/format/harmless_keys.h"
#include "vision/model/families.h"

namespace beeld {

namespace {

/// NaFlex stores patches as (row, column, channel); ours are (channel, row, column).
Tensor<float> reorder_patches(const Tensor<float>& weight, int patch) {
  Tensor<float> result(weight.shape());
  const std::int64_t places = std::int64_t{patch} * patch;
  for (std::int64_t i = 0; i < weight.rows(); ++i) {
    for (std::int64_t place = 0; place < places; ++place) {
      for (std::int64_t channel = 0; channel < 3; ++channel) {
        result.row(i)[channel * places + place] = weight.row(i)[place * 3 + channel];
      }
    }
  }
  return result;
}

ProbePool<float> read_probe(WeightReader& weights, const std::string& head, const BlockConfig& block) {
  const std::int64_t width = block.width;
  ProbePool<float> pool;
  pool.config = block;
  pool.probe = weights.read(head + "probe", {1, width}, {1, 1, width});
  const auto all = weights.linear(head + "attention.in_proj_", {3 * width, width}, Bias::present);
  pool.attention.query = slice_outputs(all, 0, width);
  pool.attention.key_value = slice_outputs(all, width, 3 * width);
  pool.attention.output = weights.linear(head + "attention.out_proj.", {width, width}, Bias::present);
  pool.norm = weights.norm(head + "layernorm.", block);
  pool.mlp.up = weights.linear(head + "mlp.fc1.", {block.mlp_width, width}, Bias::present);
  pool.mlp.down = weights.linear(head + "mlp.fc2.", {width, block.mlp_width}, Bias::present);
  return pool;
}

int square_root(int value, const std::string& origin) {
  int root = 1;
  while (root * root < value) ++root;
  if (root * root != value) {
    throw Error(ErrorCode::corrupt, "[config] " + origin + ": num_patches is " + std::to_string(value) +
                                        ", which is not the square of a number");
  }
  return root;
}

}  // namespace

VisionTower<float> read_siglip_vision(WeightReader& weights, Settings settings, SiglipSizes sizes) {
  accept_encoder_keys(settings);
  settings.require("num_channels", 3);
  settings.require("vision_use_head", true);
  const auto [block, layers] = read_stack(settings, {.activation = "gelu_pytorch_tanh", .norm_eps = 1e-6});
  VisionTower<float> tower;
  auto& config = tower.config;
  config.patch = settings.bounded("patch_size", 16, 1, 1 << 10);
  config.patch_bias = Bias::present;
  if (sizes == SiglipSizes::fixed) {
    config.image_height = config.image_width = settings.bounded("image_size", 224, 1, 1 << 14);
    config.positions = {config.image_height / config.patch, config.image_width / config.patch};
  } else {
    settings.ignore({"image_size"});
    config.image_height = config.image_width = 0;
    const int edge = square_root(settings.bounded("num_patches", 256, 1, 1 << 20), settings.origin());
    config.positions = {edge, edge};
    config.fit = GridFit::bilinear_antialias;
  }
  settings.done();
  config.pool = VisionPool::probe;
  config.block = block;
  config.layers = layers;

  const std::int64_t width = block.width, patch = config.patch;
  const std::string model = "vision_model.";
  tower.patch_embedding = weights.linear(model + "embeddings.patch_embedding.", {width, 3 * patch * patch},
                                         config.patch_bias, {width, 3, patch, patch});
  if (sizes == SiglipSizes::naflex) {
    tower.patch_embedding.weight = reorder_patches(tower.patch_embedding.weight.read(), config.patch);
  }
  tower.positions = weights.read(model + "embeddings.position_embedding.weight",
                                 {config.positions.rows * config.positions.columns, width});
  tower.encoder = weights.transformer(block, layers, self_attn_names, [&](int i) {
    return model + "encoder.layers." + std::to_string(i) + ".";
  });
  tower.output_norm = weights.norm(model + "post_layernorm.", block);
  tower.probe = read_probe(weights, model + "head.", block);
  weights.ignore({".position_ids"});
  return tower;
}

}  // namespace beeld
