#include <iterator>

#include "core/format/block_settings.h"
#include "vision/convolution/folding.h"
#include "vision/model/families.h"
#include "vision/model/fastvit.h"
#include "vision/model/timm_architecture.h"

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
  pool.probe = weights.read(begin + "latent", {1, width});
  pool.attention.query = weights.linear(begin + "q.", {width, width}, Bias::present);
  pool.attention.key_value = weights.linear(begin + "kv.", {2 * width, width}, Bias::present);
  pool.attention.output = weights.linear(begin + "proj.", {width, width}, Bias::present);
  pool.norm = weights.norm(begin + "norm.", config.block);
  pool.mlp.up = weights.linear(begin + "mlp.fc1.", {config.block.mlp_width, width}, Bias::present);
  pool.mlp.down = weights.linear(begin + "mlp.fc2.", {width, config.block.mlp_width}, Bias::present);
  return pool;
}

/// Three convolutions of patches of 4, 2 and 2 in place of the one map: MobileCLIP-B's.
ConvolutionNetwork<float> read_convolutions(WeightReader& weights, const std::string& begin,
                                            std::int64_t width) {
  const auto layer = [&](const std::string& name, const KernelShape& shape, Bias bias) {
    auto kernel = read_kernel(weights, begin + name + ".conv.", shape, bias);
    if (bias == Bias::absent) kernel.fold(read_batch_norm(weights, begin + name + ".bn.", shape.outputs));
    auto convolution = as_convolution(std::move(kernel), 1, shape.edge);
    convolution.window.padding = 0;
    return ConvolutionLayer<float>{.convolution = std::move(convolution)};
  };
  ConvolutionNetwork<float> network;
  for (const auto& each :
       {layer("0", {width / 4, 3, 4}, Bias::absent), layer("1", {width / 4, width / 4, 2}, Bias::absent)}) {
    network.layers.emplace_back(each);
    std::get<ConvolutionLayer<float>>(network.layers.back()).activation = Activation::gelu;
  }
  network.layers.emplace_back(layer("2", {width, width / 4, 2}, Bias::present));
  return network;
}

VisionTower<float> read_trunk(WeightReader& weights, const std::string& begin, const VisionConfig& config) {
  VisionTower<float> tower;
  tower.config = config;
  const std::int64_t width = config.block.width, values = std::int64_t{3} * config.patch * config.patch;
  if (config.embedding == PatchEmbedding::convolutions) {
    tower.network = read_convolutions(weights, begin + "patch_embed.backbone.", width);
  } else {
    tower.patch_embedding = weights.linear(begin + "patch_embed.proj.", {width, values}, config.patch_bias);
  }
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

namespace {

/// The input's edge where a checkpoint fixes it; 0: the architecture's own.
int fixed_input(Settings pretrained) {
  const auto& size = pretrained.raw("input_size");
  if (!pretrained.boolean("fixed_input_size", false) || !size.is_array() || size.size() != 3) return 0;
  const auto edge = size[2].is_number_integer() ? size[2].get<std::int64_t>() : 0;
  if (edge < 1 || edge > 1 << 14 || size[1] != size[2]) {
    throw Error(ErrorCode::unsupported,
                "[config] " + pretrained.origin() + ": input_size is " + size.dump().substr(0, 80));
  }
  return static_cast<int>(edge);
}

const char* name_of(VisionPool pool) {
  return pool == VisionPool::first_token ? "token" : pool == VisionPool::mean ? "avg" : "map";
}

/// What the name stands for, changed by model_args and by the pooling that the model was saved with.
VisionConfig read_shape(Settings& settings) {
  const auto name = settings.string("architecture", "");
  const int edge = fixed_input(settings.object("pretrained_cfg"));
  const auto config = timm_architecture(name, settings.object("model_args"), edge);
  const std::string own_pool = name_of(config.pool), pool = settings.string("global_pool", own_pool);
  if (pool == own_pool) return config;
  auto arguments = settings.raw("model_args");
  arguments["global_pool"] = pool;
  return timm_architecture(name, Settings(arguments, settings.origin() + " model_args"), edge);
}

/// A FastViT of its own.
VisionTower<float> read_timm_fastvit(WeightReader& weights, Settings& settings) {
  auto pretrained = settings.object("pretrained_cfg");
  const auto& size = pretrained.raw("input_size");
  const auto edge = size.is_array() && size.size() == 3 && size[2].is_number_integer() && size[1] == size[2]
                        ? size[2].get<std::int64_t>()
                        : 0;
  if (edge < 1 || edge > 1 << 12) {
    throw Error(ErrorCode::unsupported,
                "[config] " + pretrained.origin() + ": input_size is " + size.dump().substr(0, 80));
  }
  settings.require("global_pool", "avg");
  return read_fastvit(weights, {settings.string("architecture", ""), settings.object("model_args"), "",
                                static_cast<int>(edge)});
}

}  // namespace

Classifier read_timm(WeightReader& weights, Settings settings) {
  const bool fastvit = is_fastvit(settings.string("architecture", ""));
  const auto config = fastvit ? VisionConfig{} : read_shape(settings);
  settings.ignore({"num_features"});
  const auto classes = settings.bounded("num_classes", 1000, 0, 1 << 20);
  Classifier model;
  model.classes = timm_class_names(settings);
  auto pretrained = settings.object("pretrained_cfg");
  auto names = timm_class_names(pretrained);  // those of another head, where one was replaced
  if (model.classes.empty() && std::ssize(names) == classes) model.classes = std::move(names);
  if (fastvit) {
    model.tower = read_timm_fastvit(weights, settings);
  } else {
    model.tower = read_trunk(weights, "", config);
  }
  settings.done();
  const auto* head = fastvit ? "head.fc." : "head.";
  if (classes > 0)
    model.head = weights.linear(head, {classes, model.tower.config.block.width}, Bias::present);
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

std::string optional_name(Settings& settings, std::string_view key, const char* otherwise) {
  const auto name = settings.string(key, otherwise);
  return settings.is_null(key) ? "" : name;
}

namespace {

/// timm_pool: an empty one leaves the network's own.
void apply_pool(VisionConfig& config, const std::string& pool, const std::string& projection) {
  if (pool.empty()) return;
  config.pool = pool == "avg"   ? VisionPool::mean
                : pool == "map" ? VisionPool::probe
                                : VisionPool::first_token;
  // Only a network without a projection behind it is made with this pooling, its norm behind the mean. With
  // one, the pooling is replaced afterwards and the norm stays.
  if (pool == "avg" && projection != "linear") config.output_norm = OutputNorm::after_pooling;
}

}  // namespace

VisionTower<float> read_open_clip_timm_vision(WeightReader& weights, Settings settings, int embedding_width) {
  const auto name = settings.string("timm_model_name", "");
  if (is_fastvit(name)) return read_open_clip_fastvit_vision(weights, settings, embedding_width);
  auto config = timm_architecture(name, settings.object("timm_model_args"));
  const auto [height, width] = read_image_size(settings, "image_size", config.image_width);
  config.image_height = height;
  config.image_width = width;
  config.positions = {height / config.patch, width / config.patch};

  const auto pool = optional_name(settings, "timm_pool", "avg");
  const auto projection = optional_name(settings, "timm_proj", "linear");
  const auto bias = settings.boolean("timm_proj_bias", false) ? Bias::present : Bias::absent;
  if (!pool.empty() && pool != "avg" && pool != "token") settings.require("timm_pool", "map");
  if (!projection.empty() && projection != "none") settings.require("timm_proj", "linear");
  // These towers say in their name that their norm stands before the pooling.
  apply_pool(config, pool, name.find("_siglip_gap") == std::string::npos ? projection : "linear");
  settings.require("attentional_pool", false);
  settings.ignore({"timm_model_pretrained", "timm_drop", "timm_drop_path", "patch_dropout", "output_tokens",
                   "layers", "width", "head_width", "mlp_ratio", "patch_size", "ls_init_value", "no_ln_pre",
                   "pool_type", "act_kwargs", "norm_kwargs", "attn_pooler_queries", "attn_pooler_heads",
                   "pos_embed_type", "final_ln_after_pool"});
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
