#include "vision/timm_architecture.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <sstream>
#include <vector>

#include "core/block_settings.h"
#include "vision/families.h"

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
      {"so150m", {896, 18, 14, 2.572}},
      {"giantopt", {1536, 40, 16}},
  };
  return table;
}

[[noreturn]] void unknown(const std::string& name) {
  throw Error(ErrorCode::unsupported, "[config] timm architecture \"" + name +
                                          "\"; known are vit_SIZE_patchP[_clip|" +
                                          "_clip_quickgelu|_siglip|_siglip_gap|_dinov2|_reg4_dinov2]_PIXELS");
}

void set_size(VisionConfig& config, const Size& size) {
  config.block.width = size.width;
  config.layers = size.layers;
  set_heads(config.block, size.heads);
  config.block.mlp_width = static_cast<int>(size.width * size.mlp_ratio);
}

void set_probe(VisionConfig& config) {
  config.class_tokens = 0;
  config.pool = VisionPool::probe;
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

TimmArchitecture named(const std::string& name) {
  const auto [size, kind, patch, pixels] = parse(name);
  TimmArchitecture architecture;
  auto& config = architecture.config;
  set_size(config, sizes().find(size)->second);
  config.patch = patch;
  config.image_height = config.image_width = pixels;
  config.patch_bias = Bias::present;
  config.class_tokens = 1;
  config.block.norm_eps = 1e-6;
  if (kind.starts_with("_clip")) {
    config.input_norm = InputNorm::present;
    config.patch_bias = Bias::absent;
    config.block.norm_eps = 1e-5;
    if (kind == "_clip_quickgelu") config.block.activation = Activation::quick_gelu;
  }
  if (kind == "_siglip") set_probe(config);
  if (kind == "_siglip_gap") {
    config.class_tokens = 0;
    config.pool = VisionPool::mean;
  }
  if (kind.starts_with("_siglip") && tanh_gelu(size, patch, pixels)) {
    config.block.activation = Activation::gelu_tanh;
  }
  if (kind.ends_with("dinov2")) config.block.residual_scale = ResidualScale::learned;
  if (kind == "_reg4_dinov2") config.registers = 4;
  return architecture;
}

/// timm's own miniature models, which its tests use.
TimmArchitecture miniature(const std::string& name) {
  TimmArchitecture architecture;
  auto& config = architecture.config;
  const bool second = name == "test_vit2", third = name == "test_vit3";
  if (name != "test_vit" && !second && !third) return named(name);
  set_size(config, third ? Size{96, 9, 3, 2} : second ? Size{64, 8, 2, 3} : Size{64, 6, 2, 3});
  config.patch = 16;
  config.image_height = config.image_width = 160;
  config.patch_bias = Bias::present;
  config.block.norm_eps = 1e-6;
  config.class_tokens = second || third ? 0 : 1;
  config.registers = second || third ? 1 : 0;
  config.pool = third ? VisionPool::probe : second ? VisionPool::mean : VisionPool::first_token;
  if (second || third) config.block.residual_scale = ResidualScale::learned;
  if (second) architecture.pooled_norm = TimmArchitecture::PooledNorm::present;
  return architecture;
}

void apply_pool(TimmArchitecture& architecture, const std::string& pool, const std::string& origin) {
  auto& config = architecture.config;
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

void apply_arguments(TimmArchitecture& architecture, Settings& arguments) {
  auto& config = architecture.config;
  auto& block = config.block;
  const double mlp_ratio = arguments.number("mlp_ratio", static_cast<double>(block.mlp_width) / block.width);
  const bool resized = arguments.has("mlp_ratio") || arguments.has("embed_dim");
  const int heads = arguments.bounded("num_heads", block.heads, 1, 1 << 12);
  block.width = arguments.bounded("embed_dim", block.width, 1, 1 << 16);
  if (resized) block.mlp_width = static_cast<int>(block.width * mlp_ratio);
  set_heads(block, heads);
  config.layers = arguments.bounded("depth", config.layers, 0, 1024);
  config.patch = arguments.bounded("patch_size", config.patch, 1, 1 << 10);
  config.image_height = config.image_width = arguments.bounded("img_size", config.image_width, 1, 1 << 14);
  config.class_tokens = arguments.boolean("class_token", config.class_tokens == 1) ? 1 : 0;
  config.registers = arguments.bounded("reg_tokens", config.registers, 0, 1 << 10);
  if (!arguments.boolean("qkv_bias", true)) block.query_key_value_bias = Bias::absent;
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
    apply_pool(architecture, arguments.string("global_pool", "token"), arguments.origin());
    if (config.pool == VisionPool::mean) architecture.pooled_norm = TimmArchitecture::PooledNorm::present;
  }
  if (arguments.has("fc_norm")) {
    architecture.pooled_norm = arguments.boolean("fc_norm", false) ? TimmArchitecture::PooledNorm::present
                                                                   : TimmArchitecture::PooledNorm::absent;
  }
  const bool apart = arguments.boolean("no_embed_class", config.registers > 0 &&
                                                             block.residual_scale == ResidualScale::learned &&
                                                             config.class_tokens == 1);
  config.positioned_tokens = apart ? 0 : config.prefix();
  arguments.require("in_chans", 3);
  arguments.ignore({"num_classes", "drop_rate", "drop_path_rate", "attn_drop_rate", "proj_drop_rate",
                    "dynamic_img_size", "pos_drop_rate", "patch_drop_rate", "weight_init", "fix_init"});
  arguments.done();
}

}  // namespace

TimmArchitecture timm_architecture(const std::string& name, Settings model_args) {
  auto architecture = miniature(name);
  apply_arguments(architecture, model_args);
  auto& config = architecture.config;
  config.positions = {config.image_height / config.patch, config.image_width / config.patch};
  config.probe_mlp_width = config.block.mlp_width;
  if (architecture.pooled_norm == TimmArchitecture::PooledNorm::present)
    config.output_norm = OutputNorm::after_pooling;
  return architecture;
}

}  // namespace beeld
