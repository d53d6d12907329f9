#include "core/format/block_settings.h"
#include "core/format/harmless_keys.h"
#include "vision/model/families.h"

namespace beeld {

namespace {

constexpr BlockNames names{
    .attention_norm = "norm1.",
    .query = "attention.attention.query.",
    .key = "attention.attention.key.",
    .value = "attention.attention.value.",
    .output = "attention.output.dense.",
    .attention_scale = "layer_scale1.lambda1",
    .mlp_norm = "norm2.",
    .up = "mlp.fc1.",
    .gate_up = "mlp.weights_in.",
    .down = "mlp.fc2.",
    .mlp_scale = "layer_scale2.lambda1",
};

constexpr BlockNames swiglu_names() {
  auto gated = names;
  gated.down = "mlp.weights_out.";
  return gated;
}

StackConfig read_blocks(Settings& settings) {
  // The MLP's width follows from mlp_ratio; intermediate_size is no key of this family.
  auto stack = read_stack(settings, {.activation = "gelu", .norm_eps = 1e-6});
  auto& block = stack.block;
  block.mlp_width = read_mlp_width(settings, block.width, 4);
  block.residual_scale = ResidualScale::learned;
  if (!settings.boolean("qkv_bias", true)) block.attention.query_key_value_bias = Bias::absent;
  if (settings.boolean("use_swiglu_ffn", false)) {
    block.gating = Gating::gated;
    block.activation = Activation::silu;
    block.mlp_width = (static_cast<int>(block.mlp_width * 2 / 3.0) + 7) / 8 * 8;
  }
  return stack;
}

VisionConfig read_config(Settings& settings) {
  VisionConfig config;
  const bool registers = settings.string("model_type", "dinov2") == "dinov2_with_registers";
  const auto [block, layers] = read_blocks(settings);
  config.block = block;
  config.layers = layers;
  const int edge = settings.bounded("image_size", 224, 1, 1 << 14);
  config.patch = settings.bounded("patch_size", 16, 1, 1 << 10);
  config.patch_bias = Bias::present;
  config.image_height = config.image_width = edge;
  config.positions = {edge / config.patch, edge / config.patch};
  config.class_tokens = config.positioned_tokens = 1;
  config.registers = registers ? settings.bounded("num_register_tokens", 4, 0, 1 << 10) : 0;
  config.fit = registers ? GridFit::bicubic_antialias : GridFit::bicubic;
  settings.require("interpolate_antialias", registers);
  settings.require("interpolate_offset", 0);
  return config;
}

}  // namespace

Classifier read_dinov2(WeightReader& weights, Settings settings) {
  Classifier model;
  model.classes = class_names(settings);
  accept_encoder_keys(settings);
  settings.ignore({"apply_layernorm", "out_features", "out_indices", "reshape_hidden_states", "stage_names",
                   "use_mask_token"});
  settings.require("num_channels", 3);
  auto& tower = model.tower;
  const auto& config = tower.config = read_config(settings);
  settings.done();

  const std::int64_t width = config.block.width, values = std::int64_t{3} * config.patch * config.patch;
  std::string begin;
  for (const auto* prefix : {"dinov2.", "dinov2_with_registers."}) {
    if (weights.has(std::string(prefix) + "embeddings.cls_token")) begin = prefix;
  }
  const auto embeddings = begin + "embeddings.";
  tower.prefix = weights.read(embeddings + "cls_token", {1, width});
  if (config.registers > 0) {
    const auto registers = weights.read(embeddings + "register_tokens", {config.registers, width});
    tower.prefix = join_rows(tower.prefix, registers);
  }
  tower.patch_embedding =
      weights.linear(embeddings + "patch_embeddings.projection.", {width, values}, config.patch_bias);
  tower.positions = weights.read(embeddings + "position_embeddings",
                                 {1 + config.positions.rows * config.positions.columns, width});
  tower.encoder = weights.transformer(
      config.block, config.layers, config.block.gating == Gating::gated ? swiglu_names() : names,
      [&](int i) { return begin + "encoder.layer." + std::to_string(i) + "."; });
  tower.output_norm = weights.norm(begin + "layernorm.", config.block);
  if (weights.has("classifier.weight")) {
    // The mean leaves the registers out, as the original does; transformers 4.48 averaged them in by mistake.
    model.head = weights.head("classifier.", 2 * width);
    tower.config.pool = VisionPool::first_and_mean;
  }
  weights.ignore({"embeddings.mask_token", ".embeddings.mask_token"});
  return model;
}

}  // namespace beeld
