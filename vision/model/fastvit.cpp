#include "vision/model/fastvit.h"

#include <beeld/error.h>

#include <algorithm>
#include <map>
#include <vector>

#include "vision/convolution/folding.h"
#include "vision/model/families.h"

namespace beeld {

namespace {

enum class BehindLargeKernel { nothing, activation };
enum class AttentionNorm { batch, layer };
enum class StemInput { one_kernel, scaled };  // the input of the stem's kernels times a factor beside them

/// What a name stands for. Stages from `attention_from` on attend, and have positions; `excited` says which
/// of the maps that halve the places weigh their channels.
struct Architecture {
  std::vector<int> layers, widths;
  double mlp_ratio = 3;
  int attention_from = 4;
  std::vector<bool> excited = {false, false, false, false};
  BehindLargeKernel large_kernel = BehindLargeKernel::nothing;
  AttentionNorm attention_norm = AttentionNorm::batch;
  StemInput stem = StemInput::scaled;
};

const std::map<std::string, Architecture, std::less<>>& architectures() {
  static const auto table = [] {
    const std::vector<int> narrow{48, 96, 192, 384}, usual{64, 128, 256, 512}, odd{76, 152, 304, 608};
    std::map<std::string, Architecture, std::less<>> all{
        {"fastvit_t8", {{2, 2, 4, 2}, narrow}},         {"fastvit_t12", {{2, 2, 6, 2}, usual}},
        {"fastvit_s12", {{2, 2, 6, 2}, usual, 4}},      {"fastvit_sa12", {{2, 2, 6, 2}, usual, 4, 3}},
        {"fastvit_sa24", {{4, 4, 12, 4}, usual, 4, 3}}, {"fastvit_sa36", {{6, 6, 18, 6}, usual, 4, 3}},
        {"fastvit_ma36", {{6, 6, 18, 6}, odd, 4, 3}},
    };
    const std::vector<bool> late{false, false, true, true}, never(5, false);
    constexpr auto activation = BehindLargeKernel::activation;
    all["fastvit_mci0"] = {{2, 6, 10, 2}, usual, 3, 3, late, activation};
    all["fastvit_mci1"] = {{4, 12, 20, 4}, usual, 3, 3, late, activation};
    all["fastvit_mci2"] = {{4, 12, 24, 4}, {80, 160, 320, 640}, 3, 3, late, activation};
    all["fastvit_mci3"] = {{2, 12, 24, 4, 2},    {96, 192, 384, 768, 1536}, 4, 3, never, activation,
                           AttentionNorm::layer, StemInput::one_kernel};
    all["fastvit_mci4"] = {{2, 12, 24, 4, 4},    {128, 256, 512, 1024, 2048}, 4, 3, never, activation,
                           AttentionNorm::layer, StemInput::one_kernel};
    return all;
  }();
  return table;
}

// Far above every published tower, and small enough that a short file cannot ask for gigabytes.
constexpr int most_layers = 64, most_channels = 4096;

struct Counted {
  const char* key;
  int most;
};

/// A list of as many whole numbers as there are stages, where the arguments have one.
void read_counts(Settings& arguments, const Counted& counted, std::vector<int>& counts) {
  const auto& [key, most] = counted;
  const auto& list = arguments.raw(key);
  if (list.is_null()) return;
  std::vector<int> read;
  for (const auto& count : list) {
    const auto value = count.is_number_integer() ? count.get<std::int64_t>() : 0;
    if (value >= 1 && value <= most) read.push_back(static_cast<int>(value));
  }
  if (read.size() != list.size() || read.size() != counts.size()) {
    throw Error(ErrorCode::corrupt, "[config] " + arguments.origin() + ": \"" + key + "\" is " +
                                        list.dump().substr(0, 80) + "; expected " +
                                        std::to_string(counts.size()) + " counts of at most " +
                                        std::to_string(most));
  }
  counts = std::move(read);
}

Architecture read_architecture(const std::string& name, Settings& arguments) {
  const auto found = architectures().find(name.substr(0, name.find('.')));
  if (found == architectures().end()) {
    std::string known;
    for (const auto& [each, unused] : architectures()) known += (known.empty() ? "" : ", ") + each;
    throw Error(ErrorCode::unsupported,
                "[config] timm architecture \"" + name + "\"; known of its kind are " + known);
  }
  auto architecture = found->second;
  read_counts(arguments, {"layers", most_layers}, architecture.layers);
  read_counts(arguments, {"embed_dims", most_channels}, architecture.widths);
  arguments.require("in_chans", 3);
  arguments.ignore({"num_classes", "drop_rate", "proj_drop_rate", "drop_path_rate"});
  arguments.done();
  return architecture;
}

/// As timm rounds: to a multiple of `divisor`, which is the least.
std::int64_t squeezed_width(std::int64_t channels, double share, int divisor) {
  const auto nearest = static_cast<std::int64_t>(static_cast<double>(channels) * share + divisor / 2.0);
  return std::max<std::int64_t>(divisor, nearest / divisor * divisor);
}

/// A sum of branches: [O,C/G] at a place and its neighbours.
struct Branches {
  KernelShape shape;
  std::int64_t groups = 1;
  std::int64_t stride = 1;
  StemInput scaled = StemInput::scaled;

  bool keeps_channels() const { return shape.outputs == shape.channels * groups && stride == 1; }
};

class FastVitReader {
 public:
  FastVitReader(WeightReader& weights, const Architecture& architecture)
      : weights_(weights), architecture_(architecture) {}

  ConvolutionNetwork<float> read(const std::string& prefix) {
    read_stem(prefix + "stem.");
    for (std::size_t i = 0; i < architecture_.layers.size(); ++i)
      read_stage(prefix + "stages." + std::to_string(i) + ".", i);
    const std::int64_t width = architecture_.widths.back();
    const Branches branches{{2 * width, 1, 3}, width};
    add({.convolution = as_convolution(read_branches(prefix + "final_conv.", branches), width),
         .excitation =
             read_excitation(prefix + "final_conv.se.", 2 * width, squeezed_width(2 * width, 1 / 16.0, 1)),
         .activation = Activation::gelu});
    return std::move(network_);
  }

 private:
  void add(ConvolutionLayer<float> layer) { network_.layers.emplace_back(std::move(layer)); }

  /// A kernel and the norm behind it.
  Kernel read_normed(const std::string& convolution, const std::string& norm, const KernelShape& shape) {
    auto kernel = read_kernel(weights_, convolution, shape, Bias::absent);
    kernel.fold(read_batch_norm(weights_, norm, shape.outputs));
    return kernel;
  }

  Kernel read_normed(const std::string& begin, const KernelShape& shape) {
    return read_normed(begin + "conv.", begin + "bn.", shape);
  }

  /// MobileOne's block (Vasu et al. 2023): a kernel, the input times a factor, the input; or their sum.
  Kernel read_branches(const std::string& begin, const Branches& branches) {
    const auto& shape = branches.shape;
    if (weights_.has(begin + "reparam_conv.weight"))
      return read_kernel(weights_, begin + "reparam_conv.", shape, Bias::present);
    auto sum = read_normed(begin + "conv_kxk.0.", shape);
    if (shape.edge > 1 && branches.scaled == StemInput::scaled)
      sum.add(read_normed(begin + "conv_scale.", {shape.outputs, shape.channels, 1}));
    if (branches.keeps_channels())
      sum.add_input(read_batch_norm(weights_, begin + "identity.", shape.outputs));
    return sum;
  }

  Excitation<float> read_excitation(const std::string& begin, std::int64_t channels, std::int64_t squeezed) {
    return {weights_.linear(begin + "fc1.", {squeezed, channels}, Bias::present),
            weights_.linear(begin + "fc2.", {channels, squeezed}, Bias::present)};
  }

  void read_stem(const std::string& begin) {
    const std::int64_t width = architecture_.widths.front();
    const auto layer = [&](const char* number, Branches branches) {
      branches.scaled = architecture_.stem;
      add({.convolution =
               as_convolution(read_branches(begin + number, branches), branches.groups, branches.stride),
           .activation = Activation::gelu});
    };
    layer("0.", {{width, 3, 3}, 1, 2});
    layer("1.", {{width, 1, 3}, width, 2});
    layer("2.", {{width, width, 1}});
  }

  void read_stage(const std::string& begin, std::size_t stage) {
    const std::int64_t width = architecture_.widths[stage];
    if (stage > 0) read_downsampling(begin + "downsample.proj.", stage);
    const bool attends = static_cast<int>(stage) >= architecture_.attention_from;
    if (attends) add({.convolution = as_convolution(read_positions(begin + "pos_emb.", width), width)});
    for (int i = 0; i < architecture_.layers[stage]; ++i) {
      const auto block = begin + "blocks." + std::to_string(i) + ".";
      if (attends) {
        network_.layers.emplace_back(read_attention(block, width));
      } else {
        add({.convolution = as_convolution(read_mixer(block + "token_mixer.", width), width)});
      }
      const auto gain =
          weights_.read(block + (attends ? "layer_scale_2.gamma" : "layer_scale.gamma"), {width});
      network_.layers.emplace_back(read_mlp(block + "mlp.", gain));
    }
  }

  /// Half as many places.
  void read_downsampling(const std::string& begin, std::size_t stage) {
    const std::int64_t from = architecture_.widths[stage - 1], width = architecture_.widths[stage];
    ConvolutionLayer<float> large{.convolution =
                                      as_convolution(read_large_kernel(begin + "0.", from, width), from, 2)};
    if (architecture_.excited[stage])
      large.excitation = read_excitation(begin + "0.se.", width, squeezed_width(width, 0.25, 8));
    if (architecture_.large_kernel == BehindLargeKernel::activation) large.activation = Activation::gelu;
    add(std::move(large));
    add({.convolution = as_convolution(read_branches(begin + "1.", {{width, width, 1}}), 1),
         .activation = Activation::gelu});
  }

  Kernel read_large_kernel(const std::string& begin, std::int64_t from, std::int64_t width) {
    const KernelShape shape{width, 1, 7};
    if (width % from != 0) {
      throw Error(ErrorCode::corrupt, "[config] stages of " + std::to_string(from) + " and of " +
                                          std::to_string(width) + " channels; expected multiples");
    }
    if (weights_.has(begin + "reparam_conv.weight"))
      return read_kernel(weights_, begin + "reparam_conv.", shape, Bias::present);
    auto sum = read_normed(begin + "large_conv.", shape);
    sum.add(read_normed(begin + "small_conv.", {width, 1, 3}));
    return sum;
  }

  /// x + kernel * x
  Kernel read_positions(const std::string& begin, std::int64_t width) {
    const KernelShape shape{width, 1, 7};
    if (weights_.has(begin + "reparam_conv.weight"))
      return read_kernel(weights_, begin + "reparam_conv.", shape, Bias::present);
    auto kernel = read_kernel(weights_, begin + "pos_enc.", shape, Bias::present);
    kernel.add_input(unchanged(width));
    return kernel;
  }

  /// RepMixer: x + gain * (branches(x) - norm(x))
  Kernel read_mixer(const std::string& begin, std::int64_t width) {
    const KernelShape shape{width, 1, 3};
    if (weights_.has(begin + "reparam_conv.weight"))
      return read_kernel(weights_, begin + "reparam_conv.", shape, Bias::present);
    auto sum = read_branches(begin + "mixer.", {shape, width});
    sum.add_input(read_batch_norm(weights_, begin + "norm.identity.", width), -1);
    sum.scale(weights_.read(begin + "layer_scale.gamma", {width}));
    sum.add_input(unchanged(width));
    return sum;
  }

  /// x + gain * down(gelu(up(kernel * x)))
  ResidualLayer<float> read_mlp(const std::string& begin, const Tensor<float>& gain) {
    const std::int64_t width = gain.size();
    const auto inner = static_cast<std::int64_t>(static_cast<double>(width) * architecture_.mlp_ratio);
    ResidualLayer<float> mlp;
    const auto mixed = read_normed(begin + "conv.", {width, 1, 7});
    mlp.branch.emplace_back(ConvolutionLayer<float>{.convolution = as_convolution(mixed, width)});
    const Linear<float> up = weights_.linear(begin + "fc1.", {inner, width}, Bias::present);
    mlp.branch.emplace_back(
        ConvolutionLayer<float>{.convolution = {.window = {}, .kernel = up}, .activation = Activation::gelu});
    auto down = read_kernel(weights_, begin + "fc2.", {width, inner, 1}, Bias::present);
    down.scale(gain);
    mlp.output = as_linear(down);
    return mlp;
  }

  /// x + gain * output(attention(norm(x)))
  AttentionLayer<float> read_attention(const std::string& begin, std::int64_t width) {
    constexpr int head_width = 32;
    BlockConfig block;
    block.width = static_cast<int>(width);
    if (width % head_width != 0) {
      throw Error(ErrorCode::corrupt, "[config] " + std::to_string(width) + " channels in heads of " +
                                          std::to_string(head_width));
    }
    set_heads(block, block.width / head_width);
    AttentionLayer<float> layer{.config = block.attention, .norm = {}, .attention = {}};
    const auto mixer = begin + "token_mixer.";
    Linear<float> all;
    if (architecture_.attention_norm == AttentionNorm::layer) {
      layer.norm = weights_.norm(begin + "norm.", block);
      all = weights_.linear(mixer + "qkv.", {3 * width, width}, Bias::absent);
    } else {
      auto kernel = read_kernel(weights_, mixer + "qkv.", {3 * width, width, 1}, Bias::absent);
      kernel.fold_in_front(read_batch_norm(weights_, begin + "norm.", width));
      all = as_linear(kernel);
    }
    layer.attention.query = slice_outputs(all, 0, width);
    layer.attention.key_value = slice_outputs(all, width, 3 * width);
    auto output = read_kernel(weights_, mixer + "proj.", {width, width, 1}, Bias::present);
    output.scale(weights_.read(begin + "layer_scale_1.gamma", {width}));
    layer.attention.output = as_linear(output);
    return layer;
  }

  WeightReader& weights_;
  const Architecture& architecture_;
  ConvolutionNetwork<float> network_;
};

}  // namespace

bool is_fastvit(const std::string& architecture) { return architecture.starts_with("fastvit_"); }

VisionTower<float> read_fastvit(WeightReader& weights, FastVit model) {
  const auto architecture = read_architecture(model.architecture, model.arguments);
  const int stride = 2 << architecture.layers.size();  // 4 of the stem, 2 of each stage behind the first
  if (model.image_edge % stride != 0) {
    throw Error(ErrorCode::unsupported, "[config] pictures of " + std::to_string(model.image_edge) +
                                            " pixels for " + model.architecture +
                                            "; expected a multiple of " + std::to_string(stride));
  }
  VisionTower<float> tower;
  auto& config = tower.config;
  config.image_height = config.image_width = model.image_edge;
  config.patch = stride;
  config.embedding = PatchEmbedding::convolutions;
  config.positions = {model.image_edge / stride, model.image_edge / stride};
  config.block.width = 2 * architecture.widths.back();
  config.output_norm = OutputNorm::absent;
  config.pool = VisionPool::mean;
  tower.network = FastVitReader(weights, architecture).read(model.prefix);
  return tower;
}

VisionTower<float> read_open_clip_fastvit_vision(WeightReader& weights, Settings settings,
                                                 int embedding_width) {
  const auto [height, width] = read_image_size(settings, "image_size", 224);
  if (height != width) {
    throw Error(ErrorCode::unsupported, "[config] " + settings.origin() + ": pictures of " +
                                            std::to_string(width) + "x" + std::to_string(height) +
                                            " for a FastViT; expected a square");
  }
  const auto projection = optional_name(settings, "timm_proj", "linear");
  const auto bias = settings.boolean("timm_proj_bias", false) ? Bias::present : Bias::absent;
  if (!projection.empty() && projection != "none") settings.require("timm_proj", "linear");
  if (!optional_name(settings, "timm_pool", "avg").empty()) settings.require("timm_pool", "avg");
  settings.ignore({"timm_model_pretrained", "timm_drop", "timm_drop_path", "patch_dropout", "output_tokens",
                   "layers", "width", "head_width", "mlp_ratio", "patch_size", "ls_init_value", "no_ln_pre",
                   "pool_type", "act_kwargs", "norm_kwargs", "attn_pooler_queries", "attn_pooler_heads",
                   "pos_embed_type", "final_ln_after_pool"});
  settings.require("attentional_pool", false);
  const auto name = settings.string("timm_model_name", "");
  auto arguments = settings.object("timm_model_kwargs");
  settings.done();
  auto tower = read_fastvit(weights, {name, std::move(arguments), "visual.trunk.", width});
  const std::int64_t channels = tower.config.block.width;
  if (projection == "linear") {
    tower.projection = weights.linear("visual.head.proj.", {embedding_width, channels}, bias);
  } else if (projection.empty()) {
    tower.projection = weights.linear("visual.trunk.head.fc.", {embedding_width, channels}, Bias::present);
  }
  return tower;
}

}  // namespace beeld
