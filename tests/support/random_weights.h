#pragma once

#include <cmath>

#include "core/transformer/block.h"
#include "tests/support/random.h"

namespace beeld::testing {

// Weights of any configuration, the same for the same seed.

template <class T>
Linear<T> random_linear(Shape out_in, std::uint64_t seed, Bias bias = Bias::present) {
  Linear<T> weights;
  const double deviation = 1 / std::sqrt(static_cast<double>(out_in[1]));
  weights.weight = random_tensor<T>(out_in, seed, deviation);
  if (bias == Bias::present) weights.bias = random_tensor<T>({out_in[0]}, seed + 1, 0.2);
  return weights;
}

template <class T>
Norm<T> random_norm(const BlockConfig& config, std::uint64_t seed, std::int64_t width) {
  Norm<T> weights{.kind = config.norm, .eps = config.norm_eps, .gain = {}, .bias = {}};
  weights.gain = random_tensor<T>({width}, seed, 0.3);
  for (std::int64_t i = 0; i < width; ++i) weights.gain.data()[i] += 1;
  if (config.norm == NormKind::layer && config.norm_bias == Bias::present) {
    weights.bias = random_tensor<T>({width}, seed + 1, 0.5);
  }
  return weights;
}

template <class T>
Norm<T> random_norm(const BlockConfig& config, std::uint64_t seed) {
  return random_norm<T>(config, seed, config.width);
}

template <class T>
AttentionWeights<T> random_attention(const BlockConfig& block, std::uint64_t seed) {
  const auto& config = block.attention;
  const std::int64_t width = block.width, query_width = config.heads * config.head_width,
                     key_width = config.key_value_heads * config.head_width;
  AttentionWeights<T> weights{
      .query = random_linear<T>({query_width, width}, seed, config.query_key_value_bias),
      .key_value = random_linear<T>({2 * key_width, width}, seed + 10, config.query_key_value_bias),
      .output = random_linear<T>({width, query_width}, seed + 20, config.output_bias)};
  if (config.query_key_norm == InnerNorm::present) {
    weights.query_norm = random_norm<T>(block, seed + 23, config.head_width);
    weights.key_norm = random_norm<T>(block, seed + 25, config.head_width);
  }
  if (config.inner_norm == InnerNorm::present)
    weights.inner_norm = random_norm<T>(block, seed + 27, query_width);
  return weights;
}

template <class T>
AttentionWeights<T> random_cross_attention(BlockConfig block, std::uint64_t seed) {
  block.attention = *block.cross_attention;
  auto weights = random_attention<T>(block, seed);
  const Shape from_memory{weights.key_value.weight.rows(), block.memory_width};
  weights.key_value = random_linear<T>(from_memory, seed + 10, block.attention.query_key_value_bias);
  return weights;
}

template <class T>
MlpWeights<T> random_mlp(const BlockConfig& config, std::uint64_t seed) {
  const std::int64_t width = config.width, inner = config.mlp_width;
  MlpWeights<T> weights;
  weights.up = random_linear<T>({inner, width}, seed, config.mlp_bias);
  if (config.gating == Gating::gated)
    weights.gate = random_linear<T>({inner, width}, seed + 10, config.mlp_bias);
  weights.down = random_linear<T>({width, inner}, seed + 20, config.mlp_bias);
  if (config.mlp_inner_norm == InnerNorm::present)
    weights.inner_norm = random_norm<T>(config, seed + 25, inner);
  return weights;
}

template <class T>
Transformer<T> random_transformer(const BlockConfig& config, int layers) {
  Transformer<T> stack{config, {}, {}};
  for (int i = 0; i < layers; ++i) {
    const auto seed = std::uint64_t{100} * static_cast<std::uint64_t>(i + 1);
    BlockWeights<T> w;
    w.attention_norm = random_norm<T>(config, seed);
    w.attention = random_attention<T>(config, seed + 10);
    if (config.cross_attention) {
      w.cross_attention_norm = random_norm<T>(config, seed + 4);
      w.cross_attention = random_cross_attention<T>(config, seed + 5);
    }
    w.mlp_norm = random_norm<T>(config, seed + 40);
    w.mlp = random_mlp<T>(config, seed + 50);
    if (config.residual_scale == ResidualScale::learned) {
      w.attention_scale = random_tensor<T>({config.width}, seed + 80);
      w.mlp_scale = random_tensor<T>({config.width}, seed + 90);
    }
    stack.blocks.push_back(w);
  }
  const auto& attention = config.attention;
  if (attention.position == PositionScheme::relative_bias)
    stack.relative_bias = random_tensor<T>({attention.relative.count, attention.heads}, 99);
  return stack;
}

}  // namespace beeld::testing
