#pragma once

#include <span>
#include <vector>

#include "core/ops/norm.h"
#include "core/transformer/attention.h"

namespace beeld {

/// The two (or, gated, three) products of a feed-forward layer.
template <class T>
struct MlpWeights {
  Linear<T> up;    // [E,C]
  Linear<T> gate;  // [E,C], or empty
  Linear<T> down;  // [C,E]
};

/// One Transformer block.
template <class T>
struct BlockWeights {
  Norm<T> attention_norm;
  AttentionWeights<T> attention;
  Tensor<T> attention_scale;  // [C] LayerScale, or empty
  Norm<T> mlp_norm;
  MlpWeights<T> mlp;
  Tensor<T> mlp_scale;  // [C] LayerScale, or empty
};

/// A stack of blocks of one kind.
template <class T>
struct Transformer {
  BlockConfig config;
  std::vector<BlockWeights<T>> blocks;
};

/// activation(x up^T) down^T: [N,C] -> [N,C]
template <class T>
Tensor<T> mlp(const Tensor<T>& x, const BlockConfig& config, const MlpWeights<T>& weights, Pass<T>& pass);

/// All blocks: [N,C] -> [N,C].
template <class T>
Tensor<T> transformer(Tensor<T> x, const Transformer<T>& weights, Pass<T>& pass);

/// All blocks, but only one row of each sequence is wanted at the end: [N,C], B rows -> [B,C]. The last block
/// computes no other. Under a causal mask it must be the sequence's last row.
template <class T>
Tensor<T> transformer(Tensor<T> x, const Transformer<T>& weights, Pass<T>& pass,
                      std::span<const std::int64_t> wanted);

/// Orders all weights of a stack for fast products, for inference.
void pack(Transformer<float>& transformer, WeightType type = WeightType::f32);

}  // namespace beeld
