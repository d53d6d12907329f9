#include "vision/model/timm_architecture.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <sstream>
#include <vector>

#include "core/format/block_settings.h"
#include "vision/model/families.h"

namespace beeld {

namespace {

struct Size {
  int width, layers, heads;
  double mlp_ratio = 4;
};

const std::map<std::string, Size, std::less<>>& sizes() {
  static const std::map<std::string, Size, std::less<>> table{
      {"tiny", {192, 12, 3}},
      {"small", {384, 12, 6}},
      {"medium", {512, 12, 8}},
      {"base", {768, 12, 12}},
      {"large", {1024, 24, 16}},
      {"huge", {1280, 32, 16}},
      {"giant", {1408, 40, 16, 48.0 / 11}},
      {"gigantic", {1664, 48, 16, 64.0 / 13}},
      {"so400m", {1152, 27, 16, 3.7362}},
      {"giantopt", {1536, 40, 16}},
  };
  return table;
}

[[noreturn]] void unknown(const std::string& name) {
  throw Error(ErrorCode::unsupported, "[config] timm architecture \"" + name +
                                          "\"; known are vit_SIZE_patchP[_clip|" +
                                          "_clip_quickgelu|_siglip|_siglip_gap|_dinov2|_reg4_dinov2]_PIXELS");
}

enum class PrefixPositions { own, none };
enum class PrefixPooling { left_out, included };

/// What a name stands for, before model_args change it.
struct Architecture {
  VisionConfig config;
  double mlp_ratio = 4;
  PrefixPositions prefix_positions = PrefixPositions::own;
  PrefixPooling prefix_pooling = PrefixPooling::left_out;
};

Architecture of_size(const Size& size) {
  Architecture architecture;
  auto& config = architecture.config;
  config.block.width = size.width;
  config.block.norm_eps = 1e-6;
  config.layers = size.layers;
  set_heads(config.block, size.heads);
  config.patch_bias = Bias::present;
  config.class_tokens = 1;
  architecture.mlp_ratio = size.mlp_ratio;
  return architecture;
}

/// timm's SigLIP towers use the exact GELU, except these, whose originals were trained with the tanh form.
bool tanh_gelu(const std::string& size, int patch, int pixels) {
  return size == "giantopt" || (size == "so400m" && patch == 16) || (size == "large" && pixels == 512) ||
         (size == "base" && patch == 32);
}

/// A name taken apart: vit_SIZE_patchP[_KIND][_PIXELS][.TAG]
struct Name {
  std::string size, kind;
  int patch = 0, pixels = 0;
};

int number(const std::string& digits, const std::string& name) {
  int value = 0;
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (status != std::errc() || end != digits.data() + digits.size() || value < 1 || value > 1 << 12)
    unknown(name);
  return value;
}

Name parse(const std::string& name) {
  std::vector<std::string> words;
  std::istringstream stream(name.substr(0, name.find('.')));
  for (std::string word; std::getline(stream, word, '_');) words.push_back(word);
  if (words.size() < 3 || words[0] != "vit" || !words[2].starts_with("patch")) unknown(name);
  Name parts{.size = words[1], .kind = {}, .patch = number(words[2].substr(5), name), .pixels = 0};
  for (std::size_t i = 3; i < words.size(); ++i) {
    const bool last = i + 1 == words.size();
    if (last && !words[i].empty() && std::isdigit(static_cast<unsigned char>(words[i][0]))) {
      parts.pixels = number(words[i], name);
    } else {
      parts.kind += "_" + words[i];
    }
  }
  constexpr std::string_view kinds[] = {"",        "_clip",       "_clip_quickgelu", "_siglip", "_siglip_gap",
                                        "_dinov2", "_reg4_dinov2"};
  if (!sizes().contains(parts.size) ||
      std::find(std::begin(kinds), std::end(kinds), parts.kind) == std::end(kinds)) {
    unknown(name);
  }
  if (parts.pixels == 0) parts.pixels = parts.kind.ends_with("dinov2") ? 518 : 224;
  return parts;
}

Architecture named(const std::string& name) {
  const auto [size, kind, patch, pixels] = parse(name);
  auto architecture = of_size(sizes().find(size)->second);
  auto& config = architecture.config;
  config.patch = patch;
  config.image_height = config.image_width = pixels;
  if (kind.starts_with("_clip")) {
    config.input_norm = InputNorm::present;
    config.patch_bias = Bias::absent;
    config.block.norm_eps = 1e-5;
    if (kind == "_clip_quickgelu") config.block.activation = Activation::quick_gelu;
  }
  if (kind.starts_with("_siglip")) {
    config.class_tokens = 0;
    config.pool = kind == "_siglip" ? VisionPool::probe : VisionPool::mean;
    if (tanh_gelu(size, patch, pixels)) config.block.activation = Activation::gelu_tanh;
  }
  if (kind.ends_with("dinov2")) {
    if (size == "giant") unknown(name);  // another width, and a gated MLP
    config.block.residual_scale = ResidualScale::learned;
  }
  if (kind == "_reg4_dinov2") {
    config.registers = 4;
    architecture.prefix_positions = PrefixPositions::none;
  }
  return architecture;
}

/// timm's own miniature models, which its tests use.
Architecture miniature(const std::string& name) {
  const bool second = name == "test_vit2", third = name == "test_vit3";
  if (name != "test_vit" && !second && !third) return named(name);
  auto architecture = of_size(third ? Size{96, 9, 3, 2} : second ? Size{64, 8, 2, 3} : Size{64, 6, 2, 3});
  auto& config = architecture.config;
  config.patch = 16;
  config.image_height = config.image_width = 160;
  if (second || third) {
    config.class_tokens = 0;
    config.registers = 1;
    config.block.residual_scale = ResidualScale::learned;
  }
  if (second) {
    config.pool = VisionPool::mean;
    config.output_norm = OutputNorm::after_pooling;
  }
  if (third) {
    config.pool = VisionPool::probe;
    architecture.prefix_pooling = PrefixPooling::included;
  }
  return architecture;
}

/// MobileCLIP-B's tower: patches that come out of three convolutions.
Architecture hybrid(const std::string& name) {
  if (name.substr(0, name.find('.')) != "vit_base_mci_224") return miniature(name);
  auto architecture = named("vit_base_patch16_224");
  architecture.prefix_positions = PrefixPositions::none;
  architecture.config.embedding = PatchEmbedding::convolutions;
  return architecture;
}

void apply_pool(VisionConfig& config, const std::string& pool, const std::string& origin) {
  // A network that is made with mean pooling has its last norm behind it (`fc_norm`).
  config.output_norm = pool == "avg" ? OutputNorm::after_pooling : OutputNorm::before_pooling;
  if (pool == "token") {
    config.pool = VisionPool::first_token;
  } else if (pool == "avg") {
    config.pool = VisionPool::mean;
  } else if (pool == "map") {
    config.pool = VisionPool::probe;
  } else {
    throw Error(ErrorCode::unsupported, "[config] " + origin + ": global_pool is \"" + pool + "\"");
  }
}

void apply_sizes(Architecture& architecture, Settings& arguments) {
  auto& config = architecture.config;
  auto& block = config.block;
  const int heads = arguments.bounded("num_heads", block.attention.heads, 1, 1 << 12);
  block.width = arguments.bounded("embed_dim", block.width, 1, 1 << 16);
  block.mlp_width = read_mlp_width(arguments, block.width, architecture.mlp_ratio);
  set_heads(block, heads);
  config.layers = arguments.bounded("depth", config.layers, 0, 1024);
  config.patch = arguments.bounded("patch_size", config.patch, 1, 1 << 10);
  config.class_tokens = arguments.boolean("class_token", config.class_tokens == 1) ? 1 : 0;
  config.registers = arguments.bounded("reg_tokens", config.registers, 0, 1 << 10);
  const bool apart =
      arguments.boolean("no_embed_class", architecture.prefix_positions == PrefixPositions::none);
  config.positioned_tokens = apart ? 0 : config.prefix();
}

void apply_kinds(Architecture& architecture, Settings& arguments) {
  auto& config = architecture.config;
  auto& block = config.block;
  if (!arguments.boolean("qkv_bias", true)) block.attention.query_key_value_bias = Bias::absent;
  if (arguments.has("pre_norm")) {
    const bool before = arguments.boolean("pre_norm", false);
    config.input_norm = before ? InputNorm::present : InputNorm::absent;
    config.patch_bias = before ? Bias::absent : Bias::present;
  }
  if (arguments.has("init_values")) {
    block.residual_scale =
        arguments.number("init_values", 0) != 0 ? ResidualScale::learned : ResidualScale::one;
  }
  if (arguments.has("act_layer")) {
    block.activation = activation_named(arguments.string("act_layer", "gelu"), arguments.origin());
  }
  if (arguments.has("global_pool")) {
    apply_pool(config, arguments.string("global_pool", "token"), arguments.origin());
  }
  if (arguments.has("fc_norm")) {
    config.output_norm =
        arguments.boolean("fc_norm", false) ? OutputNorm::after_pooling : OutputNorm::before_pooling;
  }
  const bool included =
      arguments.boolean("pool_include_prefix", architecture.prefix_pooling == PrefixPooling::included);
  if (config.pool == VisionPool::probe && config.prefix() > 0 && !included) {
    throw Error(ErrorCode::unsupported,
                "[config] " + arguments.origin() + ": map pooling that leaves out class and register tokens");
  }
}

}  // namespace

VisionConfig timm_architecture(const std::string& name, Settings model_args, int input_edge) {
  auto architecture = hybrid(name);
  auto& config = architecture.config;
  const auto [height, width] =
      read_image_size(model_args, "img_size", input_edge > 0 ? input_edge : config.image_width);
  config.image_height = height;
  config.image_width = width;
  apply_sizes(architecture, model_args);
  apply_kinds(architecture, model_args);
  config.positions = {height / config.patch, width / config.patch};
  model_args.require("in_chans", 3);
  model_args.ignore({"num_classes", "drop_rate", "drop_path_rate", "attn_drop_rate", "proj_drop_rate",
                     "dynamic_img_size", "pos_drop_rate", "patch_drop_rate", "weight_init", "fix_init"});
  model_args.done();
  return config;
}

}  // namespace beeld
