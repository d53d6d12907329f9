#pragma once

#include "core/format/settings.h"
#include "core/transformer/config.h"

namespace beeld {

/// The activation that a configuration names in Hugging Face's spelling ("gelu", "quick_gelu",
/// "gelu_pytorch_tanh", "gelu_new", "relu", "silu"). Throws Error(unsupported) for another one.
Activation activation_named(const std::string& name, const std::string& origin);

/// Values for the keys that a configuration leaves out.
struct BlockDefaults {
  int width = 768;
  int mlp_width = 3072;
  int layers = 12;
  int heads = 12;
  const char* activation = "gelu";
  double norm_eps = 1e-12;
};

struct StackConfig {
  BlockConfig block;
  int layers = 0;
};

/// Reads hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, hidden_act and
/// layer_norm_eps: the keys in which Hugging Face's encoder configurations agree.
StackConfig read_stack(Settings& settings, const BlockDefaults& defaults);

/// Refuses the attention and MLP variants that a configuration may switch on in OpenAI-style blocks (norms on
/// q and k, scaled heads, inner norms): they are other architectures.
void require_plain_blocks(Settings& settings);

/// Reads mlp_ratio, the MLP's width as a multiple of the block's. Throws Error(corrupt) for a width out of
/// bounds.
int read_mlp_width(Settings& settings, int width, double ratio);

/// Reads act_kwargs, the keyword arguments of torch's GELU: {"approximate": "tanh"} makes it the tanh form.
Activation read_activation_arguments(Settings& settings, Activation otherwise);

/// Reads norm_kwargs, the keyword arguments of torch's LayerNorm: {"eps": 1e-6}.
double read_norm_arguments(Settings& settings, double eps);

}  // namespace beeld
