#include <map>

#include "core/format/block_settings.h"
#include "vision/model/families.h"
#include "vision/model/timm_architecture.h"

namespace beeld {

namespace {

constexpr BlockNames base_names{
    .attention_norm = "norm1.",
    .query = "attn.q_proj.",
    .key = "attn.k_proj.",
    .value = "attn.v_proj.",
    .inner_norm = "attn.norm.",
    .output = "attn.proj.",
    .attention_scale = "gamma_1",
    .mlp_norm = "norm2.",
    .up = "mlp.fc1.",
    .down = "mlp.fc2.",
    .mlp_inner_norm = "mlp.norm.",
    .mlp_scale = "gamma_2",
};

/// How the projections of queries, keys and values, and those of a gated MLP, lie in the file.
enum class Projections { apart, packed };

/// The choices in which these networks differ, under timm's own names for them.
struct EvaOptions {
  Projections query_key_value = Projections::packed;  ///< qkv_fused
  bool gated = false;                                 ///< swiglu_mlp
  bool mlp_norm = false;                              ///< scale_mlp
  bool heads_norm = false;                            ///< scale_attn_inner
  bool rotary = false;                                ///< use_rot_pos_emb
  bool norm_at_the_tail = false;                      ///< use_post_norm
};

struct EvaSize {
  int width, layers, heads;
  double mlp_ratio;
  EvaOptions options;
};

constexpr int trained_grid = 16;  // 224 pixels in patches of 14, also where there are others
constexpr double gated_ratio = 4.0 * 2 / 3;

constexpr EvaOptions plain_mlp{};
constexpr EvaOptions post_norm{.norm_at_the_tail = true};
constexpr EvaOptions gated{.gated = true, .rotary = true};
constexpr EvaOptions gated_and_normed{
    .query_key_value = Projections::apart, .gated = true, .mlp_norm = true, .rotary = true};

const std::map<std::string, EvaSize, std::less<>>& sizes() {
  static const std::map<std::string, EvaSize, std::less<>> table{
      {"eva_giant", {1408, 40, 16, 6144.0 / 1408, plain_mlp}},
      {"eva02_tiny", {192, 12, 3, gated_ratio, gated}},
      {"eva02_small", {384, 12, 6, gated_ratio, gated}},
      {"eva02_base", {768, 12, 12, gated_ratio, gated_and_normed}},
      {"eva02_large", {1024, 24, 16, gated_ratio, gated_and_normed}},
      {"eva02_enormous", {1792, 64, 16, 15360.0 / 1792, post_norm}},
  };
  return table;
}

[[noreturn]] void unknown(const std::string& name) {
  throw Error(ErrorCode::unsupported,
              "[config] timm architecture \"" + name +
                  "\"; known are eva_giant and eva02_tiny, _small, _base, _large and _enormous, with "
                  "_patchP[_clip]_PIXELS behind");
}

int number(const std::string& digits, const std::string& name) {
  if (digits.empty() || digits.size() > 4 || digits.find_first_not_of("0123456789") != std::string::npos ||
      digits.front() == '0')
    unknown(name);
  return std::stoi(digits);
}

/// SIZE_patchP[_clip]_PIXELS
struct EvaName {
  const EvaSize* size = nullptr;
  int patch = 0, pixels = 0;
  bool clip = false;
};

EvaName parse(const std::string& full_name) {
  const auto name = full_name.substr(0, full_name.find('.'));
  const auto patch = name.find("_patch"), last = name.rfind('_');
  if (patch == std::string::npos || last <= patch) unknown(full_name);
  const auto size = sizes().find(name.substr(0, patch));
  const auto after = name.substr(patch + 6, last - patch - 6);
  const auto kind = after.find('_');
  const bool clip = kind != std::string::npos;
  if (size == sizes().end() || (clip && after.substr(kind) != "_clip")) unknown(full_name);
  return {&size->second, number(after.substr(0, kind), full_name), number(name.substr(last + 1), full_name),
          clip};
}

EvaOptions read_options(EvaOptions own, Settings& arguments) {
  const bool fused = own.query_key_value == Projections::packed;
  own.query_key_value = arguments.boolean("qkv_fused", fused) ? Projections::packed : Projections::apart;
  own.gated = arguments.boolean("swiglu_mlp", own.gated);
  own.mlp_norm = arguments.boolean("scale_mlp", own.mlp_norm);
  own.heads_norm = arguments.boolean("scale_attn_inner", own.heads_norm);
  own.rotary = arguments.boolean("use_rot_pos_emb", own.rotary);
  own.norm_at_the_tail = arguments.boolean("use_post_norm", own.norm_at_the_tail);
  return own;
}

void apply(const EvaOptions& options, VisionConfig& config) {
  auto& block = config.block;
  auto& attention = block.attention;
  attention.key_bias = Bias::absent;
  if (options.gated) {
    block.gating = Gating::gated;
    block.activation = Activation::silu;
  }
  if (options.mlp_norm) block.mlp_inner_norm = InnerNorm::present;
  if (options.heads_norm) attention.inner_norm = InnerNorm::present;
  if (options.norm_at_the_tail) block.norm_place = NormPlace::tail;
  if (!options.rotary) return;
  attention.position = PositionScheme::rotary;
  attention.rotary.pairs = RotaryPairs::interleaved;
  config.rotary_grid = trained_grid;
}

BlockNames names_of(const EvaOptions& options) {
  auto names = base_names;
  if (options.query_key_value == Projections::packed) {
    names.query_key_value = "attn.qkv.";
    names.query_bias = "attn.q_bias";
    names.value_bias = "attn.v_bias";
  }
  // An MLP with a norm inside keeps gate and rest apart, one without has them packed.
  if (options.gated && options.mlp_norm) {
    names.gate = "mlp.fc1_g.";
    names.up = "mlp.fc1_x.";
  } else if (options.gated) {
    names.gate_up = "mlp.fc1.";
  }
  return names;
}

/// ref_feat_shape: a number, or two that are equal.
void read_rotary_grid(VisionConfig& config, Settings& arguments) {
  if (!arguments.has("ref_feat_shape")) return;
  const auto [rows, columns] = read_image_size(arguments, "ref_feat_shape", trained_grid);
  if (rows != columns) {
    throw Error(ErrorCode::unsupported, "[config] " + arguments.origin() + ": ref_feat_shape is " +
                                            std::to_string(rows) + " x " + std::to_string(columns));
  }
  config.rotary_grid = rows;
}

void read_sizes(VisionConfig& config, const EvaSize& size, Settings& arguments) {
  auto& block = config.block;
  block.width = arguments.bounded("embed_dim", size.width, 1, 1 << 16);
  block.mlp_width = read_mlp_width(arguments, block.width, size.mlp_ratio);
  set_heads(block, arguments.bounded("num_heads", size.heads, 1, 1 << 12));
  block.norm_eps = 1e-6;
  config.layers = arguments.bounded("depth", size.layers, 0, 1024);
  config.patch = arguments.bounded("patch_size", config.patch, 1, 1 << 10);
  config.patch_bias = Bias::present;
  config.class_tokens = arguments.boolean("class_token", true) ? 1 : 0;
  config.registers = arguments.bounded("num_reg_tokens", 0, 0, 1 << 10);
  config.positioned_tokens = arguments.boolean("no_embed_class", false) ? 0 : config.prefix();
}

void read_kinds(VisionConfig& config, bool clip, Settings& arguments) {
  auto& block = config.block;
  if (!arguments.boolean("qkv_bias", true)) block.attention.query_key_value_bias = Bias::absent;
  if (arguments.has("init_values") && block.norm_place != NormPlace::tail)
    block.residual_scale = ResidualScale::learned;
  if (arguments.has("act_layer") && block.gating == Gating::none)
    block.activation = activation_named(arguments.string("act_layer", "gelu"), arguments.origin());
  apply_timm_pool(config, arguments.string("global_pool", clip ? "token" : "avg"), arguments.origin());
  if (config.pool == VisionPool::probe) arguments.require("global_pool", "token");
  for (const auto* key : {"use_fc_norm", "fc_norm"}) {
    if (arguments.has(key))
      config.output_norm =
          arguments.boolean(key, false) ? OutputNorm::after_pooling : OutputNorm::before_pooling;
  }
  arguments.ignore({"init_values", "act_layer"});  // where they have no part
  arguments.require("use_abs_pos_emb", true);
}

}  // namespace

bool is_eva(const std::string& name) { return name.starts_with("eva02_") || name.starts_with("eva_giant_"); }

TimmArchitecture eva_architecture(const std::string& full_name, Settings model_args, int input_edge) {
  const auto name = parse(full_name);
  VisionConfig config;
  config.image_height = config.image_width = name.pixels;
  config.patch = name.patch;
  auto own = name.size->options;
  own.heads_norm = name.clip && own.gated;
  const auto options = read_options(own, model_args);
  apply_timm_size(config, model_args, input_edge);
  apply(options, config);
  read_sizes(config, *name.size, model_args);
  read_rotary_grid(config, model_args);
  read_kinds(config, name.clip, model_args);
  if (options.rotary && config.block.attention.head_width % 4 != 0) {
    throw Error(ErrorCode::corrupt, "[config] " + model_args.origin() + ": heads of " +
                                        std::to_string(config.block.attention.head_width) +
                                        " channels cannot turn by rows and columns");
  }
  config.positions = {config.image_height / config.patch, config.image_width / config.patch};
  ignore_timm_training(model_args);
  model_args.done();
  return {config, names_of(options)};
}

}  // namespace beeld
