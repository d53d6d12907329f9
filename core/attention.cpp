#include "core/attention.h"

#include <beeld/error.h>

#include <algorithm>

#include "core/ops/rotary.h"
#include "core/ops/softmax.h"
#include "core/parallel.h"

namespace beeld {

namespace {

/// One head of one sequence; the rows of q, k, v and y lie `stride` elements apart.
template <class T>
struct Head {
  Operand<T> q, k, v;
  const T* bias;  // [Tq,Tk], or null
  std::int64_t query_count, key_count;
  T* y;
};

template <class T>
void attend(const Head<T>& head, const BlockConfig& config, Tensor<T>& scores, std::int64_t y_stride) {
  const auto tq = head.query_count, tk = head.key_count, d = std::int64_t{config.head_width};
  // scores = scale * q k^T + bias: [Tq,Tk]
  product<T>({tq, tk, d}, static_cast<T>(config.attention_scale), head.q, head.k, Layout::transposed,
             scores.data(), tk);
  for (std::int64_t i = 0; i < tq; ++i) {
    T* row = scores.data() + i * tk;
    if (head.bias) std::transform(row, row + tk, head.bias + i * tk, row, std::plus<T>());
    // A masked score is -infinity, so its weight is zero: the softmax runs over the visible keys only.
    const auto visible = config.mask == AttentionMask::causal ? tk - tq + i + 1 : tk;
    softmax(row, visible);
    std::fill(row + visible, row + tk, T{0});
  }
  // y = softmax(scores) v: [Tq,D]
  product<T>({tq, d, tk}, T{1}, {scores.data(), tk}, head.v, Layout::normal, head.y, y_stride);
}

template <class T>
void check(const QueriesKeysValues<T>& input, const BlockConfig& config, const Pass<T>& pass) {
  const auto fail = [](const std::string& what) {
    throw Error(ErrorCode::invalid_argument, "[attention] " + what);
  };
  const std::int64_t key_width = config.key_value_heads * config.head_width;
  if (input.q.columns() != config.heads * config.head_width || input.kv.columns() != 2 * key_width) {
    fail("queries " + input.q.shape().string() + " and keys with values " + input.kv.shape().string() +
         " do not fit the heads");
  }
  if (input.q.rows() != input.queries.rows() || input.kv.rows() != input.keys.rows() ||
      input.queries.count() != input.keys.count()) {
    fail("the rows do not fit the sequences");
  }
  for (std::int64_t b = 0; b < input.keys.count(); ++b) {
    const auto tq = input.queries.length(b), tk = input.keys.length(b);
    if (tk == 0) fail("a sequence without keys");
    if (config.mask == AttentionMask::causal && tq > tk) fail("more queries than keys under a causal mask");
    if (!pass.attention_bias.empty() && pass.attention_bias.shape() != Shape{config.heads, tq, tk}) {
      fail("a bias of " + pass.attention_bias.shape().string());
    }
  }
}

}  // namespace

template <class T>
Tensor<T> attention(const QueriesKeysValues<T>& input, const BlockConfig& config, Pass<T>& pass) {
  check(input, config, pass);
  const std::int64_t heads = config.heads, d = config.head_width;
  const auto key_width = config.key_value_heads * d;
  Tensor<T> y(input.q.shape());
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    Tensor<T> scores;
    for (std::int64_t i = begin; i < end; ++i) {
      const auto b = i / heads, h = i % heads;
      const auto shared_head = h * config.key_value_heads / heads;
      const auto tq = input.queries.length(b), tk = input.keys.length(b);
      if (scores.empty() || scores.size() < tq * tk) scores = Tensor<T>({tq, tk});
      const T* kv = input.kv.row(input.keys.begin[b]) + shared_head * d;
      const auto first_query = input.queries.begin[b];
      attend<T>({.q = {input.q.row(first_query) + h * d, heads * d},
                 .k = {kv, 2 * key_width},
                 .v = {kv + key_width, 2 * key_width},
                 .bias = pass.attention_bias.empty() ? nullptr : pass.attention_bias.data() + h * tq * tk,
                 .query_count = tq,
                 .key_count = tk,
                 .y = y.row(first_query) + h * d},
                config, scores, heads * d);
    }
  };
  const auto count = input.queries.count() * heads;
  parallel_for(count, pass.workers == Workers::all ? 1 : count, run);
  return y;
}

template <class T>
Tensor<T> multi_head_attention(const AttentionInput<T>& input, const BlockConfig& config,
                               const AttentionWeights<T>& weights, Pass<T>& pass) {
  auto q = linear(input.x, weights.query, pass);            // [Nq, H*D]
  auto kv = linear(input.memory, weights.key_value, pass);  // [Nk, 2*H*D]
  if (config.position == PositionScheme::rotary) {
    q = rotate(std::move(q), {config.heads, config.head_width, config.rotary_base}, pass);
    kv = rotate(std::move(kv), {config.key_value_heads, config.head_width, config.rotary_base}, pass);
  }
  return attention<T>({std::move(q), std::move(kv), input.queries, input.keys}, config, pass);
}

template Tensor<float> attention(const QueriesKeysValues<float>&, const BlockConfig&, Pass<float>&);
template Tensor<double> attention(const QueriesKeysValues<double>&, const BlockConfig&, Pass<double>&);
template Tensor<float> multi_head_attention(const AttentionInput<float>&, const BlockConfig&,
                                            const AttentionWeights<float>&, Pass<float>&);
template Tensor<double> multi_head_attention(const AttentionInput<double>&, const BlockConfig&,
                                             const AttentionWeights<double>&, Pass<double>&);

}  // namespace beeld
