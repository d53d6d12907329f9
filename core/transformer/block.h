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
  Tensor<T> relative_bias = {};  // [buckets,H] where positions are one, of all blocks together
};

/// activation(x up^T) down^T: [N,C] -> [N,C]
template <class T>
Tensor<T> mlp(const Tensor<T>& x, const BlockConfig& config, const MlpWeights<T>& weights, Pass<T>& pass);

/// What a stack needs to know about the rows it is given.
template <class T>
struct TransformerInput {
  /// Which rows form a sequence, and the positions they stand at.
  const Sequences& sequences;

  /// One row of each sequence, where no other is wanted at the end: the last block computes no other.
  std::span<const std::int64_t> wanted = {};

  /// The angles of rotary positions [N,P], where they are not those of the sequences: places in two
  /// dimensions, or frequencies for a length that is yet to come. Null: those of the sequences.
  const Rotation<T>* rotation = nullptr;
};

/// All blocks: [N,C] -> [N,C], or [B,C] of the wanted rows. Throws Error(invalid_argument) where rows,
/// sequences and wanted rows do not fit.
template <class T>
Tensor<T> transformer(Tensor<T> x, const Transformer<T>& stack, const TransformerInput<T>& input,
                      Pass<T>& pass);

/// Orders all weights of a stack for fast products, for inference.
void pack(Transformer<float>& transformer, WeightType type = WeightType::f32);

}  // namespace beeld
