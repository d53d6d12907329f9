#pragma once

#include "tests/support/random.h"
#include "vision/model/tower.h"

namespace beeld::testing {

// The same weights in double, so that one forward gives float32 results and exact ones.

inline Linear<double> widened(const Linear<float>& x) {
  if (!x.present()) return {};
  return {.weight = widened(x.weight.read()), .bias = widened(x.bias)};
}

inline Norm<double> widened(const Norm<float>& x) {
  return {.kind = x.kind, .eps = x.eps, .gain = widened(x.gain), .bias = widened(x.bias)};
}

inline AttentionWeights<double> widened(const AttentionWeights<float>& x) {
  return {.query = widened(x.query),
          .key_value = widened(x.key_value),
          .output = widened(x.output),
          .query_norm = widened(x.query_norm),
          .key_norm = widened(x.key_norm),
          .inner_norm = widened(x.inner_norm)};
}

inline MlpWeights<double> widened(const MlpWeights<float>& x) {
  return {.up = widened(x.up),
          .gate = widened(x.gate),
          .down = widened(x.down),
          .inner_norm = widened(x.inner_norm)};
}

inline Transformer<double> widened(const Transformer<float>& x) {
  Transformer<double> y{x.config, {}, widened(x.relative_bias)};
  for (const auto& b : x.blocks) {
    y.blocks.push_back({.attention_norm = widened(b.attention_norm),
                        .attention = widened(b.attention),
                        .attention_scale = widened(b.attention_scale),
                        .cross_attention_norm = widened(b.cross_attention_norm),
                        .cross_attention = widened(b.cross_attention),
                        .mlp_norm = widened(b.mlp_norm),
                        .mlp = widened(b.mlp),
                        .mlp_scale = widened(b.mlp_scale)});
  }
  return y;
}

/// A tower without a probe.
inline VisionTower<double> widened(const VisionTower<float>& x) {
  VisionTower<double> y;
  y.config = x.config;
  y.patch_embedding = widened(x.patch_embedding);
  y.prefix = widened(x.prefix);
  y.positions = widened(x.positions);
  y.input_norm = widened(x.input_norm);
  y.encoder = widened(x.encoder);
  y.output_norm = widened(x.output_norm);
  y.projection = widened(x.projection);
  return y;
}

}  // namespace beeld::testing
