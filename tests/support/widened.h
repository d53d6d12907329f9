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

inline Transformer<double> widened(const Transformer<float>& x) {
  Transformer<double> y{x.config, {}, widened(x.relative_bias)};
  for (const auto& b : x.blocks) {
    y.blocks.push_back({.attention_norm = widened(b.attention_norm),
                        .attention = {widened(b.attention.query), widened(b.attention.key_value),
                                      widened(b.attention.output)},
                        .attention_scale = widened(b.attention_scale),
                        .mlp_norm = widened(b.mlp_norm),
                        .mlp = {widened(b.mlp.up), widened(b.mlp.gate), widened(b.mlp.down)},
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
