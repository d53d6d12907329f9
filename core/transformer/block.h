#pragma once

#include <span>
#include <vector>

#include "core/ops/norm.h"
#include "core/transformer/attention.h"

namespace beeld {

/// The two (or, gated, three) products of a feed-forward layer.
template <class T>
struct MlpWeights {
  Linear<T> up;             // [E,C]
  Linear<T> gate;           // [E,C], or empty
  Linear<T> down;           // [C,E]
  Norm<T> inner_norm = {};  // [E], or empty
};

/// One Transformer block.
template <class T>
struct BlockWeights {
  Norm<T> attention_norm;
  AttentionWeights<T> attention;
  Tensor<T> attention_scale;                 // [C] LayerScale, or empty
  Norm<T> cross_attention_norm = {};         // both empty
  AttentionWeights<T> cross_attention = {};  // without a memory
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

/// What cross-attention reads: the rows that another stack wrote [Nm, memory_width].
template <class T>
struct Memory {
  Tensor<T> rows;
  Sequences sequences;
};

/// A memory as the blocks of a stack see it. Whoever decodes keeps it for all calls; gathering its sequences
/// lets several read the same rows.
template <class T>
struct ProjectedMemory {
  std::vector<Tensor<T>> key_values;  // of each block [Nm, 2*H*D]
  Sequences sequences;
};

/// The keys and values of a memory for all blocks.
template <class T>
ProjectedMemory<T> project(const Memory<T>& memory, const Transformer<T>& stack, Pass<T>& pass);

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

  /// What was read before and goes on with these rows, which it holds as well afterwards; null: nothing. It
  /// keeps no gradients.
  KeyValueCache<T>* cache = nullptr;

  /// What cross-attention reads; null: blocks leave it out.
  const ProjectedMemory<T>* memory = nullptr;
};

/// All blocks: [N,C] -> [N,C], or [B,C] of the wanted rows. Throws Error(invalid_argument) where rows,
/// sequences, wanted rows, cache and memory do not fit, and where rotary frequencies depend on the length and
/// those of cached keys would be others: then `rotation` must be that of the length to come.
template <class T>
Tensor<T> transformer(Tensor<T> x, const Transformer<T>& stack, const TransformerInput<T>& input,
                      Pass<T>& pass);

/// Orders all weights of a stack for fast products, for inference.
void pack(Transformer<float>& transformer, WeightType type = WeightType::f32);

}  // namespace beeld
