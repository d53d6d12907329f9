#include <iterator>

#include "core/format/block_settings.h"
#include "vision/convolution/folding.h"
#include "vision/model/families.h"
#include "vision/model/fastvit.h"
#include "vision/model/timm_architecture.h"

namespace beeld {

namespace {

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

VisionTower<float> read_trunk(WeightReader& weights, const std::string& begin,
                              const TimmArchitecture& architecture) {
  const auto& [config, names] = architecture;
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
  if (config.output_norm != OutputNorm::absent) {
    const bool behind = config.output_norm == OutputNorm::after_pooling;
    tower.output_norm = weights.norm(begin + (behind ? "fc_norm." : "norm."), config.block);
  }
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

/// Keyword arguments of a network, pooling among them where it is said apart.
Settings with_pool(const Settings& origin, nlohmann::json arguments, const std::string& pool) {
  if (arguments.is_null()) arguments = nlohmann::json::object();
  if (arguments.is_object() && !pool.empty()) arguments["global_pool"] = pool;
  return {std::move(arguments), origin.origin() + " model arguments"};
}

/// What the name stands for, changed by model_args and by the pooling that the model was saved with.
TimmArchitecture read_architecture(Settings& settings) {
  const auto name = settings.string("architecture", "");
  const int edge = fixed_input(settings.object("pretrained_cfg"));
  const auto pool = settings.string("global_pool", "");
  return timm_architecture(name, with_pool(settings, settings.raw("model_args"), pool), edge);
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
  const auto architecture = fastvit ? TimmArchitecture{} : read_architecture(settings);
  settings.ignore({"num_features"});
  const auto classes = settings.bounded("num_classes", 1000, 0, 1 << 20);
  Classifier model;
  model.classes = timm_class_names(settings);
  auto pretrained = settings.object("pretrained_cfg");
  auto names = timm_class_names(pretrained);  // those of another head, where one was replaced
  if (model.classes.empty() && std::ssize(names) == classes) model.classes = std::move(names);
  if (fastvit) model.tower = read_timm_fastvit(weights, settings);
  settings.done();
  if (!fastvit) model.tower = read_trunk(weights, "", architecture);
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

/// The network with the pooling that OpenCLIP asks for; an empty one leaves its own.
TimmArchitecture read_open_clip_architecture(Settings& settings, const std::string& pool,
                                             const std::string& projection) {
  const auto name = settings.string("timm_model_name", "");
  const auto arguments = settings.raw("timm_model_kwargs");
  // Only a network without a projection behind it is made with this pooling, its norm behind the mean. With
  // one, the pooling is replaced afterwards and the norm stays.
  const bool made_with = projection != "linear";
  auto architecture = timm_architecture(name, with_pool(settings, arguments, made_with ? pool : ""));
  auto& config = architecture.config;
  const auto norm = config.output_norm;
  if (!made_with && !pool.empty()) apply_timm_pool(config, pool, settings.origin());
  if (!made_with) config.output_norm = norm;
  return architecture;
}

}  // namespace

VisionTower<float> read_open_clip_timm_vision(WeightReader& weights, Settings settings, int embedding_width) {
  if (is_fastvit(settings.string("timm_model_name", "")))
    return read_open_clip_fastvit_vision(weights, std::move(settings), embedding_width);
  const auto pool = optional_name(settings, "timm_pool", "avg");
  const auto projection = optional_name(settings, "timm_proj", "linear");
  const auto bias = settings.boolean("timm_proj_bias", false) ? Bias::present : Bias::absent;
  if (!projection.empty() && projection != "none") settings.require("timm_proj", "linear");
  auto architecture = read_open_clip_architecture(settings, pool, projection);
  auto& config = architecture.config;
  const auto [height, width] = read_image_size(settings, "image_size", config.image_width);
  config.image_height = height;
  config.image_width = width;
  config.positions = {height / config.patch, width / config.patch};

  settings.require("attentional_pool", false);
  settings.ignore({"timm_model_pretrained", "timm_drop", "timm_drop_path", "patch_dropout", "output_tokens",
                   "layers", "width", "head_width", "mlp_ratio", "patch_size", "ls_init_value", "no_ln_pre",
                   "pool_type", "act_kwargs", "norm_kwargs", "attn_pooler_queries", "attn_pooler_heads",
                   "pos_embed_type", "final_ln_after_pool"});
  settings.done();

  auto tower = read_trunk(weights, "visual.trunk.", architecture);
  const std::int64_t channels = config.block.width;
  if (projection == "linear") {
    tower.projection = weights.linear("visual.head.proj.", {embedding_width, channels}, bias);
  } else if (projection.empty()) {
    tower.projection = weights.linear("visual.trunk.head.", {embedding_width, channels}, Bias::present);
  }
  return tower;
}

}  // namespace beeld
