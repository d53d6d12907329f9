#include "core/format/block_settings.h"
#include "vision/model/families.h"

namespace beeld {

namespace {

VisionConfig read_config(Settings& settings, Activation activation) {
  VisionConfig config;
  auto& block = config.block;
  block.width = settings.bounded("width", 768, 1, 1 << 16);
  const int head_width = settings.bounded("head_width", 64, 1, 1 << 16);
  set_heads(block, block.width / head_width);
  block.mlp_width = read_mlp_width(settings, block.width, 4);
  block.activation = read_activation_arguments(settings, activation);
  block.norm_eps = read_norm_arguments(settings, 1e-5);
  if (settings.has("ls_init_value")) block.residual_scale = ResidualScale::learned;
  config.layers = settings.bounded("layers", 12, 0, 1024);
  config.patch = settings.bounded("patch_size", 16, 1, 1 << 10);
  const auto [height, width] = read_image_size(settings, "image_size", 224);
  config.image_height = height;
  config.image_width = width;
  config.class_tokens = config.positioned_tokens = 1;
  config.positions = {height / config.patch, width / config.patch};
  config.input_norm = settings.boolean("no_ln_pre", false) ? InputNorm::absent : InputNorm::present;
  const auto pool = settings.string("pool_type", "tok");
  if (pool != "avg") settings.require("pool_type", "tok");
  config.pool = pool == "avg" ? VisionPool::mean : VisionPool::first_token;
  config.output_norm =
      settings.boolean("final_ln_after_pool", false) ? OutputNorm::after_pooling : OutputNorm::before_pooling;
  settings.require("attentional_pool", false);
  settings.require("input_patchnorm", false);
  require_plain_blocks(settings);
  settings.ignore({"ls_init_value", "patch_dropout", "attn_pooler_queries", "attn_pooler_heads",
                   "pos_embed_type", "output_tokens", "timm_model_pretrained", "timm_pool", "timm_proj",
                   "timm_proj_bias", "timm_drop", "timm_drop_path"});
  return config;
}

// Far above every published tower, and small enough that a short file cannot ask for gigabytes.
constexpr int max_patches = 1 << 16;

/// A checkpoint trained at another resolution carries another grid: it is resampled once, as OpenCLIP does on
/// loading.
Tensor<float> read_positions(WeightReader& weights, const VisionConfig& config) {
  const std::string name = "visual.positional_embedding";
  const auto shape = weights.shape(name);
  const int wanted = config.positions.rows * config.positions.columns;
  const auto stored = shape.size() == 2 ? shape[0] - 1 : wanted;
  if (wanted > max_patches) {
    throw Error(ErrorCode::limit, "[config] a grid of " + std::to_string(wanted) + " patches; the limit is " +
                                      std::to_string(max_patches));
  }
  if (stored == wanted) return weights.read(name, {1 + wanted, config.block.width});
  int edge = 1;
  while (std::int64_t{edge} * edge < stored && edge < 1 << 14) ++edge;
  const auto all = weights.read(name, {1 + std::int64_t{edge} * edge, config.block.width});
  return join_rows(all.slice(0, 1), fit_grid(all.slice(1, all.rows()), {edge, edge}, config.positions,
                                             GridFit::bicubic_antialias));
}

}  // namespace

std::pair<int, int> read_image_size(Settings& settings, std::string_view key, int fallback) {
  const auto& value = settings.raw(key);
  if (!value.is_array()) {
    const int edge = settings.bounded(key, fallback, 1, 1 << 14);
    return {edge, edge};
  }
  const auto edge = [&](std::size_t i) {
    const auto size = value.size() == 2 && value[i].is_number_integer() ? value[i].get<std::int64_t>() : 0;
    if (size < 1 || size > 1 << 14) {
      throw Error(ErrorCode::corrupt, "[config] " + settings.origin() + ": \"" + std::string(key) + "\" is " +
                                          value.dump().substr(0, 80));
    }
    return static_cast<int>(size);
  };
  return {edge(0), edge(1)};
}

VisionTower<float> read_open_clip_vision(WeightReader& weights, Settings settings,
                                         const OpenClipVision& vision) {
  if (settings.raw("layers").is_array())
    return read_open_clip_resnet_vision(weights, settings, vision.embedding_width);
  VisionTower<float> tower;
  const auto& config = tower.config = read_config(settings, vision.activation);
  settings.done();

  const std::int64_t width = config.block.width, values = std::int64_t{3} * config.patch * config.patch;
  tower.patch_embedding.weight = weights.matrix("visual.conv1.weight", {width, values});
  tower.prefix = weights.read("visual.class_embedding", {1, width});
  tower.positions = read_positions(weights, config);
  if (config.input_norm == InputNorm::present)
    tower.input_norm = weights.norm("visual.ln_pre.", config.block);
  tower.encoder = weights.transformer(config.block, config.layers, resblock_names, [](int i) {
    return "visual.transformer.resblocks." + std::to_string(i) + ".";
  });
  tower.output_norm = weights.norm("visual.ln_post.", config.block);
  tower.projection.weight =
      weights.matrix("visual.proj", {vision.embedding_width, width}, Layout::transposed);
  return tower;
}

}  // namespace beeld
