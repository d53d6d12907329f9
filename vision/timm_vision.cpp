#include "core/block_settings.h"
#include "vision/families.h"
#include "vision/timm_architecture.h"

namespace beeld {

namespace {

constexpr BlockNames names{
    .attention_norm = "norm1.",
    .query_key_value = "attn.qkv.",
    .output = "attn.proj.",
    .attention_scale = "ls1.gamma",
    .mlp_norm = "norm2.",
    .up = "mlp.fc1.",
    .down = "mlp.fc2.",
    .mlp_scale = "ls2.gamma",
};

ProbePool<float> read_probe(WeightReader& weights, const std::string& begin, const VisionConfig& config) {
  const std::int64_t width = config.block.width;
  ProbePool<float> pool;
  pool.config = config.block;
  pool.config.mlp_width = config.probe_mlp_width;
  pool.probe = weights.read(begin + "latent", {1, width});
  pool.attention.query = weights.linear(begin + "q.", {width, width}, Bias::present);
  pool.attention.key_value = weights.linear(begin + "kv.", {2 * width, width}, Bias::present);
  pool.attention.output = weights.linear(begin + "proj.", {width, width}, Bias::present);
  pool.norm = weights.norm(begin + "norm.", config.block);
  pool.mlp.up = weights.linear(begin + "mlp.fc1.", {config.probe_mlp_width, width}, Bias::present);
  pool.mlp.down = weights.linear(begin + "mlp.fc2.", {width, config.probe_mlp_width}, Bias::present);
  return pool;
}

VisionTower<float> read_trunk(WeightReader& weights, const std::string& begin, const VisionConfig& config) {
  VisionTower<float> tower;
  tower.config = config;
  const std::int64_t width = config.block.width, values = std::int64_t{3} * config.patch * config.patch;
  tower.patch_embedding = weights.linear(begin + "patch_embed.proj.", {width, values}, config.patch_bias);
  if (config.class_tokens > 0) tower.prefix = weights.read(begin + "cls_token", {1, width});
  if (config.registers > 0) {
    const auto registers = weights.read(begin + "reg_token", {config.registers, width});
    tower.prefix = config.class_tokens > 0 ? join_rows(tower.prefix, registers) : registers;
  }
  tower.positions =
      weights.read(begin + "pos_embed",
                   {config.positioned_tokens + config.positions.rows * config.positions.columns, width});
  if (config.input_norm == InputNorm::present)
    tower.input_norm = weights.norm(begin + "norm_pre.", config.block);
  tower.encoder = weights.transformer(config.block, config.layers, names,
                                      [&](int i) { return begin + "blocks." + std::to_string(i) + "."; });
  tower.output_norm = weights.norm(
      begin + (config.output_norm == OutputNorm::after_pooling ? "fc_norm." : "norm."), config.block);
  if (config.pool == VisionPool::probe) tower.probe = read_probe(weights, begin + "attn_pool.", config);
  return tower;
}

}  // namespace

Classifier read_timm(WeightReader& weights, Settings settings) {
  auto architecture = timm_architecture(settings.string("architecture", ""), settings.object("model_args"));
  auto& config = architecture.config;
  if (settings.has("global_pool")) {
    const auto pool = settings.string("global_pool", "token");
    const auto wanted = config.pool == VisionPool::first_token ? "token"
                        : config.pool == VisionPool::mean      ? "avg"
                                                               : "map";
    if (pool != wanted) settings.require("global_pool", wanted);
  }
  settings.ignore({"num_features", "pretrained_cfg", "num_classes"});
  const auto classes = settings.bounded("num_classes", 1000, 0, 1 << 20);
  Classifier model;
  model.classes = timm_class_names(settings);
  settings.done();
  model.tower = read_trunk(weights, "", config);
  if (classes > 0) model.head = weights.linear("head.", {classes, config.block.width}, Bias::present);
  return model;
}

std::vector<std::string> timm_class_names(Settings& settings) {
  std::vector<std::string> classes;
  const auto& names = settings.raw("label_names");
  settings.ignore({"label_descriptions"});
  if (!names.is_array()) return classes;
  for (const auto& name : names) {
    if (!name.is_string()) {
      throw Error(ErrorCode::corrupt,
                  "[config] " + settings.origin() + ": label_names holds " + name.dump().substr(0, 80));
    }
    classes.push_back(name.get<std::string>());
  }
  return classes;
}

VisionTower<float> read_open_clip_timm_vision(WeightReader& weights, Settings settings, int embedding_width) {
  auto architecture = timm_architecture(
      settings.string("timm_model_name", ""),
      Settings(settings.has("timm_model_args") ? settings.raw("timm_model_args") : nlohmann::json::object(),
               settings.origin() + " timm_model_args"));
  auto& config = architecture.config;
  const auto [height, width] = read_image_size(settings, config.image_width);
  config.image_height = height;
  config.image_width = width;
  config.positions = {height / config.patch, width / config.patch};

  // An empty timm_pool leaves the network's own; another one replaces the pooling, never the norm.
  const auto pool = settings.string("timm_pool", "avg");
  if (pool == "avg") config.pool = VisionPool::mean;
  if (pool == "token") config.pool = VisionPool::first_token;
  if (pool == "map") config.pool = VisionPool::probe;
  if (!pool.empty() && pool != "avg" && pool != "token") settings.require("timm_pool", "map");
  const auto projection = settings.string("timm_proj", "linear");
  const auto bias = settings.boolean("timm_proj_bias", false) ? Bias::present : Bias::absent;
  if (projection != "linear" && !projection.empty() && projection != "none")
    settings.require("timm_proj", "linear");
  settings.require("attentional_pool", false);
  settings.ignore({"timm_model_pretrained", "timm_drop", "timm_drop_path", "patch_dropout", "output_tokens",
                   "layers", "width", "head_width", "mlp_ratio", "patch_size", "ls_init_value"});
  settings.done();

  auto tower = read_trunk(weights, "visual.trunk.", config);
  const std::int64_t channels = config.block.width;
  if (projection == "linear") {
    tower.projection = weights.linear("visual.head.proj.", {embedding_width, channels}, bias);
  } else if (projection.empty()) {
    tower.projection = weights.linear("visual.trunk.head.", {embedding_width, channels}, Bias::present);
  }
  return tower;
}

}  // namespace beeld
