#include "core/format/block_settings.h"

#include <map>

namespace beeld {

namespace {

constexpr int max_width = 1 << 16;
constexpr int max_layers = 1024;

}  // namespace

Activation activation_named(const std::string& name, const std::string& origin) {
  static const std::map<std::string, Activation, std::less<>> known{
      {"gelu", Activation::gelu},
      {"quick_gelu", Activation::quick_gelu},
      {"gelu_pytorch_tanh", Activation::gelu_tanh},
      {"gelu_new", Activation::gelu_tanh},
      {"gelu_tanh", Activation::gelu_tanh},
      {"relu", Activation::relu},
      {"silu", Activation::silu},
      {"swish", Activation::silu},
  };
  const auto it = known.find(name);
  if (it == known.end()) {
    throw Error(ErrorCode::unsupported, "[config] " + origin + ": unknown activation \"" + name + "\"");
  }
  return it->second;
}

StackConfig read_stack(Settings& settings, const BlockDefaults& defaults) {
  StackConfig stack;
  auto& block = stack.block;
  block.width = settings.bounded("hidden_size", defaults.width, 1, max_width);
  block.mlp_width = settings.bounded("intermediate_size", defaults.mlp_width, 1, 4 * max_width);
  stack.layers = settings.bounded("num_hidden_layers", defaults.layers, 0, max_layers);
  set_heads(block, settings.bounded("num_attention_heads", defaults.heads, 1, max_width));
  block.activation = activation_named(settings.string("hidden_act", defaults.activation), settings.origin());
  block.norm_eps = settings.number("layer_norm_eps", defaults.norm_eps);
  return stack;
}

void require_plain_blocks(Settings& settings) {
  settings.require("block_type", "default");
  for (const auto* key :
       {"qk_norm", "scaled_cosine_attn", "scale_heads", "scale_attn_inner", "scale_attn", "scale_fc"}) {
    settings.require(key, false);
  }
}

int read_mlp_width(Settings& settings, int width, double ratio) {
  const double product = width * settings.number("mlp_ratio", ratio);
  if (!(product >= 1 && product <= 4 * max_width)) {
    throw Error(ErrorCode::corrupt, "[config] " + settings.origin() + ": mlp_ratio makes an MLP " +
                                        std::to_string(product) + " wide");
  }
  return static_cast<int>(product);
}

Activation read_activation_arguments(Settings& settings, Activation otherwise) {
  auto arguments = settings.object("act_kwargs");
  const auto form = arguments.string("approximate", "none");
  arguments.done();
  if (form == "none") return otherwise;
  if (form == "tanh" && otherwise == Activation::gelu) return Activation::gelu_tanh;
  throw Error(ErrorCode::unsupported, "[config] " + arguments.origin() + ": approximate is \"" + form + "\"");
}

double read_norm_arguments(Settings& settings, double eps) {
  auto arguments = settings.object("norm_kwargs");
  const double value = arguments.number("eps", eps);
  arguments.done();
  return value;
}

}  // namespace beeld
