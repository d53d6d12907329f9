#include "vision/model/timm_architecture.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <sstream>
#include <vector>

#include "core/format/block_settings.h"
#include "vision/model/families.h"

namespace beeld {

namespace {

constexpr BlockNames names{
    .attention_norm = "norm1.",
    .query_key_value = "attn.qkv.",
    .query_norm = "attn.q_norm.",
    .key_norm = "attn.k_norm.",
    .inner_norm = "attn.norm.",
    .output = "attn.proj.",
    .attention_scale = "ls1.gamma",
    .mlp_norm = "norm2.",
    .up = "mlp.fc1.",
    .gate_up = "mlp.fc1.",
    .down = "mlp.fc2.",
    .mlp_inner_norm = "mlp.norm.",
    .mlp_scale = "ls2.gamma",
};

struct Size {
  int width, layers, heads;
  double mlp_ratio = 4;
};

const std::map<std::string, Size, std::less<>>& sizes() {
  static const std::map<std::string, Size, std::less<>> table{
      {"tiny", {192, 12, 3}},
      {"xsmall", {256, 10, 4}},
      {"wee", {256, 14, 4, 5}},
      {"little", {320, 14, 5, 5.6}},
      {"small", {384, 12, 6}},
      {"medium", {512, 12, 8}},
      {"mediumd", {512, 20, 8}},
      {"betwixt", {640, 12, 10}},
      {"base", {768, 12, 12}},
      {"so150m", {896, 18, 14, 2.572}},
      {"so150m2", {832, 21, 13, 34.0 / 13}},
      {"large", {1024, 24, 16}},
      {"intern300m", {1024, 24, 16}},
      {"huge", {1280, 32, 16}},
      {"giant", {1408, 40, 16, 48.0 / 11}},
      {"gigantic", {1664, 48, 16, 64.0 / 13}},
      {"so400m", {1152, 27, 16, 3.7362}},
      {"giantopt", {1536, 40, 16}},
  };
  return table;
}

constexpr Size plus_size{896, 12, 14};
constexpr Size gated_giant{1536, 40, 24, 2.66667};  // whose ratio is that of the gate as well as of the rest

[[noreturn]] void unknown(const std::string& name) {
  throw Error(
      ErrorCode::unsupported,
      "[config] timm architecture \"" + name +
          "\"; known are vit_SIZE_patchP[_clip|_clip_quickgelu|_siglip|_siglip_gap|_dinov2|_regN_dinov2|"
          "_gap|_regN_gap|_regN_map|_plus|_plus_clip|_rpn]_PIXELS, deit_, deit3_ and flexivit_ with "
          "these sizes, eva_large, eva_giant and eva02_SIZE");
}

enum class PrefixPositions { own, none };

/// What a name stands for, before model_args change it.
struct Architecture {
  VisionConfig config;
  double mlp_ratio = 4;
  PrefixPositions prefix_positions = PrefixPositions::own;
  std::optional<bool> norm_behind_pooling = {};  ///< where the name says so, whatever the pooling
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

/// A name taken apart: FAMILY_SIZE_patchP[_regN][_KIND][_PIXELS][_miil][.TAG]
struct Name {
  std::string family, size, kind;
  int patch = 0, registers = 0, pixels = 0;
  bool without_biases = false;  ///< of queries, keys and values
};

int number(const std::string& digits, const std::string& name) {
  int value = 0;
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (status != std::errc() || end != digits.data() + digits.size() || value < 1 || value > 1 << 12)
    unknown(name);
  return value;
}

std::vector<std::string> words_of(const std::string& name) {
  std::vector<std::string> words;
  std::istringstream stream(name.substr(0, name.find('.')));
  for (std::string word; std::getline(stream, word, '_');) words.push_back(word);
  return words;
}

bool is_number(const std::string& word) {
  return !word.empty() && std::isdigit(static_cast<unsigned char>(word.front()));
}

Name parse(const std::string& name) {
  auto words = words_of(name);
  Name parts;
  if (!words.empty() && words.back() == "miil") {
    parts.without_biases = true;
    words.pop_back();
  }
  if (words.size() == 2 && words[0] == "flexivit") {
    return {.family = words[0], .size = words[1], .kind = {}, .patch = 16, .pixels = 240};
  }
  if (words.size() < 3 || !words[2].starts_with("patch")) unknown(name);
  parts.family = words[0];
  parts.size = words[1];
  parts.patch = number(words[2].substr(5), name);
  for (std::size_t i = 3; i < words.size(); ++i) {
    if (i + 1 == words.size() && is_number(words[i]) && words[i].find('x') == std::string::npos) {
      parts.pixels = number(words[i], name);
    } else if (i == 3 && words[i].starts_with("reg")) {
      parts.registers = number(words[i].substr(3), name);
    } else {
      parts.kind += (parts.kind.empty() ? "" : "_") + words[i];
    }
  }
  return parts;
}

void check_known(const Name& parts, const std::string& name) {
  constexpr std::string_view plain[] = {"",    "clip", "clip_quickgelu", "siglip", "siglip_gap", "dinov2",
                                        "gap", "plus", "plus_clip",      "rpn",    "36x1"};
  constexpr std::string_view with_registers[] = {"dinov2", "gap", "map", "tipsv2"};
  const auto has = [&](const auto& kinds) {
    return std::find(std::begin(kinds), std::end(kinds), parts.kind) != std::end(kinds);
  };
  const bool vit = parts.family == "vit" && (parts.registers > 0 ? has(with_registers) : has(plain));
  const bool bare = parts.kind.empty() && parts.registers == 0;
  const bool other = bare && (parts.family == "deit" || parts.family == "deit3" ||
                              parts.family == "flexivit" || (parts.family == "eva" && parts.size == "large"));
  if (!sizes().contains(parts.size) || !(vit || other)) unknown(name);
}

/// Pooled over the patches, without a class token. The sizes differ in what they have beside it.
void apply_gap(const Name& name, Architecture& architecture) {
  auto& config = architecture.config;
  auto& block = config.block;
  const bool registers = name.registers > 0;
  config.class_tokens = 0;
  apply_timm_pool(config, "avg", "");
  if (!registers || name.size == "so150m") architecture.norm_behind_pooling = false;
  if (registers && !name.size.starts_with("so150m")) architecture.prefix_positions = PrefixPositions::none;
  const bool small = name.size == "medium" || name.size == "betwixt";
  if (registers ? name.size != "base" && name.size != "so150m" : small)
    block.residual_scale = ResidualScale::learned;
  if (registers ? name.size == "so150m2" : small) block.attention.query_key_value_bias = Bias::absent;
  if (!registers && name.size == "base") set_heads(block, 16);
}

void apply_siglip(const Name& name, Architecture& architecture) {
  auto& config = architecture.config;
  config.class_tokens = 0;
  config.pool = name.kind == "siglip" ? VisionPool::probe : VisionPool::mean;
  if (name.kind == "siglip_gap") architecture.norm_behind_pooling = false;
  if (tanh_gelu(name.size, name.patch, name.pixels)) config.block.activation = Activation::gelu_tanh;
}

void apply_clip(const Name& name, VisionConfig& config) {
  config.input_norm = InputNorm::present;
  config.patch_bias = Bias::absent;
  config.block.norm_eps = 1e-5;
  if (name.kind == "clip_quickgelu") config.block.activation = Activation::quick_gelu;
}

/// DINOv2 and its relatives.
void apply_dinov2(const Name& name, Architecture& architecture) {
  auto& config = architecture.config;
  config.block.residual_scale = ResidualScale::learned;
  if (name.registers > 0) architecture.prefix_positions = PrefixPositions::none;
  if (name.size != "giant") return;
  config.block.gating = Gating::gated;
  config.block.activation = Activation::silu;
}

void apply_kind(const Name& name, Architecture& architecture) {
  auto& config = architecture.config;
  const auto& kind = name.kind;
  config.registers = name.registers;
  if (name.without_biases) config.block.attention.query_key_value_bias = Bias::absent;
  if (kind.find("clip") != std::string::npos) apply_clip(name, config);
  if (kind.starts_with("siglip")) apply_siglip(name, architecture);
  if (kind == "dinov2" || kind == "tipsv2") apply_dinov2(name, architecture);
  if (kind == "gap") apply_gap(name, architecture);
  if (kind == "map") {
    config.class_tokens = 0;
    config.pool = VisionPool::probe;
  }
  if (kind == "plus" || kind == "36x1" || name.family == "deit3")
    config.block.residual_scale = ResidualScale::learned;
  if (kind == "36x1") config.layers = 36;
  if (kind == "rpn") {
    config.class_tokens = 0;
    apply_timm_pool(config, "avg", "");
    config.block.norm_place = NormPlace::tail;
    config.block.attention.query_key_value_bias = Bias::absent;
  }
  if (name.family == "deit3" || name.family == "flexivit")
    architecture.prefix_positions = PrefixPositions::none;
  if (name.family == "eva") apply_timm_pool(config, "avg", "");
  if (name.size == "intern300m") {
    config.block.residual_scale = ResidualScale::learned;
    config.output_norm = OutputNorm::absent;
  }
}

Architecture named(const std::string& full_name) {
  auto name = parse(full_name);
  check_known(name, full_name);
  const bool dinov2 = name.kind == "dinov2" || name.kind == "tipsv2";
  if (name.pixels == 0) name.pixels = name.kind == "dinov2" ? 518 : name.kind == "tipsv2" ? 448 : 224;
  const bool gated = dinov2 && name.size == "giant";
  auto architecture = of_size(gated                           ? gated_giant
                              : name.kind.starts_with("plus") ? plus_size
                                                              : sizes().find(name.size)->second);
  architecture.config.patch = name.patch;
  architecture.config.image_height = architecture.config.image_width = name.pixels;
  apply_kind(name, architecture);
  return architecture;
}

/// timm's own miniature models, which its tests use.
Architecture miniature(const std::string& name) {
  const bool second = name == "test_vit2", third = name == "test_vit3", fourth = name == "test_vit4";
  if (name != "test_vit" && !second && !third && !fourth) return named(name);
  auto architecture = of_size(third    ? Size{96, 9, 3, 2}
                              : fourth ? Size{96, 9, 3, 3}
                              : second ? Size{64, 8, 2, 3}
                                       : Size{64, 6, 2, 3});
  auto& config = architecture.config;
  config.patch = 16;
  config.image_height = config.image_width = 160;
  if (second || third || fourth) {
    config.class_tokens = 0;
    config.registers = 1;
    config.block.residual_scale = ResidualScale::learned;
  }
  if (second || fourth) apply_timm_pool(config, "avg", "");
  if (third) {
    config.pool = VisionPool::probe;
    config.prefix_pooling = PrefixPooling::included;
  }
  if (fourth) config.block.norm = NormKind::rms;
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

void apply_sizes(Architecture& architecture, Settings& arguments) {
  auto& config = architecture.config;
  auto& block = config.block;
  const int heads = arguments.bounded("num_heads", block.attention.heads, 1, 1 << 12);
  block.width = arguments.bounded("embed_dim", block.width, 1, 1 << 16);
  block.mlp_width = read_mlp_width(arguments, block.width, architecture.mlp_ratio);
  if (block.gating == Gating::gated && arguments.has("mlp_ratio")) block.mlp_width /= 2;  // with the gate's
  set_heads(block, heads);
  config.layers = arguments.bounded("depth", config.layers, 0, 1024);
  config.patch = arguments.bounded("patch_size", config.patch, 1, 1 << 10);
  config.class_tokens = arguments.boolean("class_token", config.class_tokens == 1) ? 1 : 0;
  config.registers = arguments.bounded("reg_tokens", config.registers, 0, 1 << 10);
  const bool apart =
      arguments.boolean("no_embed_class", architecture.prefix_positions == PrefixPositions::none);
  config.positioned_tokens = apart ? 0 : config.prefix();
}

InnerNorm read_inner_norm(Settings& arguments, std::string_view key, InnerNorm own) {
  return arguments.boolean(key, own == InnerNorm::present) ? InnerNorm::present : InnerNorm::absent;
}

void apply_block(BlockConfig& block, Settings& arguments) {
  auto& attention = block.attention;
  if (arguments.has("qkv_bias"))
    attention.query_key_value_bias = arguments.boolean("qkv_bias", true) ? Bias::present : Bias::absent;
  attention.query_key_norm = read_inner_norm(arguments, "qk_norm", attention.query_key_norm);
  attention.inner_norm = read_inner_norm(arguments, "scale_attn_norm", attention.inner_norm);
  block.mlp_inner_norm = read_inner_norm(arguments, "scale_mlp_norm", block.mlp_inner_norm);
  if (!arguments.boolean("proj_bias", true)) attention.output_bias = block.mlp_bias = Bias::absent;
  // Null is timm's None, which switches off, and so is zero, for timm asks whether there is a value.
  if (arguments.has("init_values") || arguments.is_null("init_values")) {
    block.residual_scale =
        arguments.number("init_values", 0) != 0 ? ResidualScale::learned : ResidualScale::one;
  }
  if (arguments.has("act_layer"))
    block.activation = activation_named(arguments.string("act_layer", "gelu"), arguments.origin());
}

void apply_kinds(Architecture& architecture, Settings& arguments) {
  auto& config = architecture.config;
  apply_block(config.block, arguments);
  if (arguments.has("pre_norm")) {
    const bool before = arguments.boolean("pre_norm", false);
    config.input_norm = before ? InputNorm::present : InputNorm::absent;
    config.patch_bias = before ? Bias::absent : Bias::present;
  }
  if (arguments.has("global_pool"))
    apply_timm_pool(config, arguments.string("global_pool", "token"), arguments.origin());
  if (arguments.has("fc_norm")) architecture.norm_behind_pooling = arguments.boolean("fc_norm", false);
  if (arguments.is_null("fc_norm")) architecture.norm_behind_pooling.reset();
  if (const auto behind = architecture.norm_behind_pooling)
    config.output_norm = *behind ? OutputNorm::after_pooling : OutputNorm::before_pooling;
  if (!arguments.boolean("final_norm", true)) config.output_norm = OutputNorm::absent;
  if (arguments.has("pool_include_prefix")) {
    config.prefix_pooling =
        arguments.boolean("pool_include_prefix", false) ? PrefixPooling::included : PrefixPooling::left_out;
  }
  if (config.pool == VisionPool::first_token && config.class_tokens == 0) {
    throw Error(ErrorCode::corrupt,
                "[config] " + arguments.origin() + ": global_pool is \"token\" without a class token");
  }
  arguments.require("pos_embed", "learn");
}

}  // namespace

void apply_timm_pool(VisionConfig& config, const std::string& pool, const std::string& origin) {
  static const std::map<std::string, VisionPool, std::less<>> known{{"token", VisionPool::first_token},
                                                                    {"avg", VisionPool::mean},
                                                                    {"max", VisionPool::max},
                                                                    {"avgmax", VisionPool::mean_and_max},
                                                                    {"map", VisionPool::probe}};
  const auto it = known.find(pool);
  if (it == known.end())
    throw Error(ErrorCode::unsupported, "[config] " + origin + ": global_pool is \"" + pool + "\"");
  config.pool = it->second;
  // A network that is made to pool its patches has its last norm behind that (`fc_norm`).
  const bool patches = pool == "avg" || pool == "max" || pool == "avgmax";
  if (config.output_norm != OutputNorm::absent)
    config.output_norm = patches ? OutputNorm::after_pooling : OutputNorm::before_pooling;
}

void apply_timm_size(VisionConfig& config, Settings& model_args, int input_edge) {
  const auto [height, width] =
      read_image_size(model_args, "img_size", input_edge > 0 ? input_edge : config.image_width);
  config.image_height = height;
  config.image_width = width;
  model_args.require("in_chans", 3);
}

void ignore_timm_training(Settings& model_args) {
  model_args.ignore({"num_classes", "drop_rate", "drop_path_rate", "attn_drop_rate", "proj_drop_rate",
                     "dynamic_img_size", "dynamic_img_pad", "pos_drop_rate", "patch_drop_rate", "weight_init",
                     "fix_init", "head_init_scale"});
}

TimmArchitecture timm_architecture(const std::string& name, Settings model_args, int input_edge) {
  if (is_eva(name)) return eva_architecture(name, std::move(model_args), input_edge);
  auto architecture = hybrid(name);
  auto& config = architecture.config;
  apply_timm_size(config, model_args, input_edge);
  apply_sizes(architecture, model_args);
  apply_kinds(architecture, model_args);
  config.positions = {config.image_height / config.patch, config.image_width / config.patch};
  ignore_timm_training(model_args);
  model_args.done();
  return {config, names};
}

}  // namespace beeld
