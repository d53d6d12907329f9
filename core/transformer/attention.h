#pragma once

#include "core/ops/linear.h"
#include "core/ops/norm.h"
#include "core/tensor/pass.h"
#include "core/tensor/tensor.h"
#include "core/transformer/attention_maps.h"
#include "core/transformer/config.h"
#include "core/transformer/key_value_cache.h"

namespace beeld {

/// The projections of one attention layer.
template <class T>
struct AttentionWeights {
  Linear<T> query;      // [H*D, C]
  Linear<T> key_value;  // [2*H*D, C]: all keys, then all values (H being the key/value heads)
  Linear<T> output;     // [C, H*D]
  Norm<T> query_norm = {}, key_norm = {};  // [D], or empty
  Norm<T> inner_norm = {};                 // [H*D], or empty
};

/// Queries, keys and values of a batch, and the sequences they belong to. In self-attention the sequences are
/// the same; in cross-attention, and where only some rows of the result are wanted, there are other queries
/// than keys. Sequences may share their keys.
template <class T>
struct QueriesKeysValues {
  Tensor<T> q;   // [Nq, H*D]
  Tensor<T> kv;  // [Nk, 2*H*D], or empty where a cache holds them
  const Sequences& queries;
  const Sequences& keys;
  DistanceBias<T> bias = {};                ///< of every distance between them, or empty
  AttentionPlace place = {};                ///< which attention it is
  const KeyValueCache<T>* cache = nullptr;  ///< where the keys and values of that layer are held, or null
};

/// softmax(scale * q k^T + bias + mask) v for every head of every sequence: -> [Nq, H*D]
/// (Vaswani et al. 2017, equation 1). Under a causal mask a query sees the keys up to its own position, where
/// a key must stand. Head h uses key/value head h * key_value_heads / heads (Ainslie et al. 2023).
template <class T>
Tensor<T> attention(const QueriesKeysValues<T>& input, const AttentionConfig& config, Pass<T>& pass);

/// What is projected to queries, and to keys and values.
template <class T>
struct AttentionInput {
  const Tensor<T>& x;       // [Nq,C]
  const Tensor<T>& memory;  // [Nk,C]
  const Sequences& queries;
  const Sequences& keys;
};

/// Projects queries from x and keys and values from `memory`, and attends: [Nq,C], [Nk,C] -> [Nq, H*D].
/// There are no positions and no inner norms in it. The output projection is left to the caller, who adds it
/// to a residual.
template <class T>
Tensor<T> multi_head_attention(const AttentionInput<T>& input, const AttentionConfig& config,
                               const AttentionWeights<T>& weights, Pass<T>& pass);

}  // namespace beeld
