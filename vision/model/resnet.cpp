#include <beeld/error.h>

#include "core/format/block_settings.h"
#include "vision/convolution/folding.h"
#include "vision/model/families.h"

namespace beeld {

namespace {

// CLIP's ResNets (Radford et al. 2021, section 2.4): three convolutions in front, the mean of four places
// instead of strides, and a pooling that attends.

constexpr int expansion = 4, stages = 4;

// Far above every published tower, and small enough that a short file cannot ask for gigabytes.
constexpr int most_blocks = 100, most_channels = 512;

/// Each convolution of its own name is followed by its norm.
struct Normed {
  std::string convolution, norm;
};

Kernel read_normed(WeightReader& weights, const Normed& names, const KernelShape& shape) {
  auto kernel = read_kernel(weights, names.convolution, shape, Bias::absent);
  kernel.fold(read_batch_norm(weights, names.norm, shape.outputs));
  return kernel;
}

struct Stage {
  int blocks, width, stride;
};

/// 1x1, 3x3, 1x1 beside the input, whose width and places are fitted where they change.
ResidualLayer<float> read_bottleneck(WeightReader& weights, const std::string& begin, const Stage& stage,
                                     std::int64_t inputs) {
  const std::int64_t width = stage.width, outputs = expansion * width;
  const auto normed = [&](const char* number, const KernelShape& shape) {
    return read_normed(weights, {begin + "conv" + number + ".", begin + "bn" + number + "."}, shape);
  };
  ResidualLayer<float> block;
  block.activation = Activation::relu;
  block.branch.push_back(ConvolutionLayer<float>{
      .convolution = as_convolution(normed("1", {width, inputs, 1}), 1), .activation = Activation::relu});
  block.branch.push_back(ConvolutionLayer<float>{
      .convolution = as_convolution(normed("2", {width, width, 3}), 1), .activation = Activation::relu});
  block.output = as_linear(normed("3", {outputs, width, 1}));
  if (stage.stride > 1) {
    block.branch.push_back(AveragePool{stage.stride});
    block.shortcut.push_back(AveragePool{stage.stride});
  }
  if (stage.stride > 1 || inputs != outputs) {
    const auto kernel =
        read_normed(weights, {begin + "downsample.0.", begin + "downsample.1."}, {outputs, inputs, 1});
    block.shortcut.push_back(ConvolutionLayer<float>{.convolution = as_convolution(kernel, 1)});
  }
  return block;
}

struct ResNet {
  int blocks[stages];
  int width;
};

ConvolutionNetwork<float> read_network(WeightReader& weights, const ResNet& net) {
  ConvolutionNetwork<float> network;
  const std::int64_t width = net.width, half = net.width / 2;
  const auto stem = [&](const char* number, const KernelShape& shape, std::int64_t stride) {
    const std::string begin = "visual.";
    const auto kernel =
        read_normed(weights, {begin + "conv" + number + ".", begin + "bn" + number + "."}, shape);
    network.layers.push_back(ConvolutionLayer<float>{.convolution = as_convolution(kernel, 1, stride),
                                                     .activation = Activation::relu});
  };
  stem("1", {half, 3, 3}, 2);
  stem("2", {half, half, 3}, 1);
  stem("3", {width, half, 3}, 1);
  network.layers.push_back(AveragePool{2});
  std::int64_t inputs = width;
  for (int i = 0; i < stages; ++i) {
    Stage stage{net.blocks[i], net.width << i, i == 0 ? 1 : 2};
    for (int j = 0; j < stage.blocks; ++j) {
      const auto begin = "visual.layer" + std::to_string(i + 1) + "." + std::to_string(j) + ".";
      network.layers.push_back(read_bottleneck(weights, begin, stage, inputs));
      inputs = std::int64_t{expansion} * stage.width;
      stage.stride = 1;
    }
  }
  return network;
}

ResNet read_shape(Settings& settings) {
  ResNet net{};
  const auto& blocks = settings.raw("layers");
  for (int i = 0; i < stages; ++i) {
    const bool counted = blocks.size() == stages && blocks[i].is_number_integer();
    const auto count = counted ? blocks[i].get<std::int64_t>() : 0;
    if (count < 1 || count > most_blocks) {
      throw Error(ErrorCode::corrupt,
                  "[config] " + settings.origin() + ": \"layers\" is " + blocks.dump().substr(0, 80) +
                      "; expected four counts of blocks, at most " + std::to_string(most_blocks));
    }
    net.blocks[i] = static_cast<int>(count);
  }
  net.width = settings.bounded("width", 64, 2, most_channels);
  return net;
}

}  // namespace

VisionTower<float> read_open_clip_resnet_vision(WeightReader& weights, Settings settings,
                                                int embedding_width) {
  constexpr int stride = 32;  // of all layers together
  VisionTower<float> tower;
  auto& config = tower.config;
  const auto net = read_shape(settings);
  config.block.width = stride * net.width;
  // Each head of the pooling has head_width / 32 of the first width, in whole numbers.
  const int head_width = settings.bounded("head_width", 64, 1, 1 << 16);
  set_heads(config.block, config.block.width / head_width);
  config.image_height = config.image_width = settings.bounded("image_size", 224, stride, 1 << 12);
  // What these are to a ViT they are not to a ResNet, whose activation is ReLU whatever else is said.
  require_plain_blocks(settings);
  settings.ignore({"patch_size",       "mlp_ratio",           "ls_init_value",     "patch_dropout",
                   "attentional_pool", "attn_pooler_queries", "attn_pooler_heads", "no_ln_pre",
                   "pos_embed_type",   "final_ln_after_pool", "pool_type",         "output_tokens",
                   "act_kwargs",       "norm_kwargs",         "input_patchnorm",   "timm_model_pretrained",
                   "timm_pool",        "timm_proj",           "timm_proj_bias",    "timm_drop",
                   "timm_drop_path"});
  settings.done();
  config.patch = stride;
  config.embedding = PatchEmbedding::convolutions;
  config.positions = {config.image_height / stride, config.image_width / stride};
  config.output_norm = OutputNorm::absent;
  config.pool = VisionPool::mean_query;
  tower.network = read_network(weights, net);

  const std::int64_t width = config.block.width;
  const std::string pool = "visual.attnpool.";
  auto& mean_query = tower.mean_query;
  mean_query.config = config.block.attention;
  mean_query.positions = weights.read(pool + "positional_embedding",
                                      {1 + config.positions.rows * config.positions.columns, width});
  mean_query.attention.query = weights.linear(pool + "q_proj.", {width, width}, Bias::present);
  mean_query.attention.key_value =
      weights.joined({pool + "k_proj.", pool + "v_proj."}, {width, width}, Bias::present);
  tower.projection = weights.linear(pool + "c_proj.", {embedding_width, width}, Bias::present);
  return tower;
}

}  // namespace beeld
