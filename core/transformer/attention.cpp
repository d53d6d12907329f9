#include "core/transformer/attention.h"

#include <beeld/error.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/parallel.h"
#include "core/ops/softmax.h"
#include "core/tensor/tape.h"

namespace beeld {

namespace {

/// One head of one sequence; the rows of q and y, and of k and v, lie a stride apart.
template <class T>
struct Head {
  std::int64_t query_count, key_count, width;
  std::int64_t ahead;  // keys that stand before the first query
  Operand<T> q, k, v;
  const T* bias;  // of the first query and all keys, a value further left for the next query; or null

  std::int64_t visible(std::int64_t query, AttentionMask mask) const {
    return mask == AttentionMask::causal ? ahead + query + 1 : key_count;
  }
};

/// y [Tq,D] = softmax(scale * q k^T + bias + mask) v; `scores` [Tq,Tk] keeps the softmax.
template <class T>
void attend(const Head<T>& head, const AttentionConfig& config, T* scores, Result<T> y) {
  const auto tq = head.query_count, tk = head.key_count;
  auto k = head.k;
  k.layout = Layout::transposed;
  product<T>({tq, tk, head.width}, {.alpha = static_cast<T>(config.scale)}, head.q, k, {scores, tk});
  for (std::int64_t i = 0; i < tq; ++i) {
    T* row = scores + i * tk;
    // A masked score is -infinity, so its weight is zero: the softmax runs over the visible keys only.
    const auto visible = head.visible(i, config.mask);
    if (head.bias) std::transform(row, row + visible, head.bias - i, row, std::plus<T>());
    softmax(row, visible);
    std::fill(row + visible, row + tk, T{0});
  }
  product<T>({tq, head.width, tk}, {}, {scores, tk}, head.v, y);
}

/// The gradients of one head, added to.
template <class T>
struct HeadGradient {
  Operand<T> dy;
  Result<T> dq, dk, dv;
  T* bias;  // as Head's
};

/// With P the softmax and dP = dy v^T: dv = P^T dy, dS = P * (dP - sum of P dP along the row),
/// dq = scale * dS k, dk = scale * dS^T q. `ds` [Tq,Tk] is working memory.
template <class T>
void attend_backward(const Head<T>& head, const AttentionConfig& config, const T* p, T* ds,
                     const HeadGradient<T>& gradient) {
  const auto tq = head.query_count, tk = head.key_count, d = head.width;
  const Factors<T> adding{.alpha = 1, .beta = 1};
  const Factors<T> scaled{.alpha = static_cast<T>(config.scale), .beta = 1};
  product<T>({tk, d, tq}, adding, {p, tk, Layout::transposed}, gradient.dy, gradient.dv);
  auto v = head.v;
  v.layout = Layout::transposed;
  product<T>({tq, tk, d}, {}, gradient.dy, v, {ds, tk});
  for (std::int64_t i = 0; i < tq; ++i) {
    T* row = ds + i * tk;
    softmax_backward(p + i * tk, tk, row);
    if (!gradient.bias) continue;
    std::transform(row, row + head.visible(i, config.mask), gradient.bias - i, gradient.bias - i,
                   std::plus<T>());
  }
  product<T>({tq, d, tk}, scaled, {ds, tk}, head.k, gradient.dq);
  product<T>({tk, d, tq}, scaled, {ds, tk, Layout::transposed}, head.q, gradient.dk);
}

template <class T>
void check(const QueriesKeysValues<T>& input, const AttentionConfig& config) {
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
    const auto &queries = input.queries[b], &keys = input.keys[b];
    if (queries.length == 0) continue;
    if (keys.length == 0) fail("a sequence without keys");
    if (config.mask == AttentionMask::causal &&
        (queries.first < keys.first || queries.next() > keys.next())) {
      fail("queries at positions " + std::to_string(queries.first) + " to " +
           std::to_string(queries.next() - 1) + " under a causal mask, but keys from " +
           std::to_string(keys.first) + " to " + std::to_string(keys.next() - 1));
    }
  }
  if (input.bias.empty()) return;
  const auto distances = Distances::between(input.queries, input.keys);
  const auto& values = input.bias.values;
  if (values.rows() != config.heads || distances.lowest < input.bias.lowest ||
      distances.highest >= input.bias.lowest + values.columns()) {
    fail("a bias of " + values.shape().string() + " from distance " + std::to_string(input.bias.lowest) +
         " for distances from " + std::to_string(distances.lowest) + " to " +
         std::to_string(distances.highest));
  }
}

/// Where one head of one sequence lies in q and y, and in keys and values.
struct Place {
  std::int64_t q, k, v;              // offsets of the first value
  std::int64_t q_stride, kv_stride;  // from one token to the next
};

Place place_of(std::int64_t b, std::int64_t h, const Sequences& queries, const Sequences& keys,
               const AttentionConfig& config) {
  const std::int64_t d = config.head_width, q_stride = config.heads * d,
                     key_width = config.key_value_heads * d;
  const auto shared_head = h * config.key_value_heads / config.heads;
  const auto k = keys[b].begin * 2 * key_width + shared_head * d;
  return {.q = queries[b].begin * q_stride + h * d,
          .k = k,
          .v = k + key_width,
          .q_stride = q_stride,
          .kv_stride = 2 * key_width};
}

/// From the first value of a bias [H, distances] to that of head h, the first query and the first key.
template <class T>
std::int64_t bias_offset(std::int64_t b, std::int64_t h, const QueriesKeysValues<T>& input) {
  const auto distance = input.keys[b].first - input.queries[b].first;
  return h * input.bias.values.columns() + distance - input.bias.lowest;
}

template <class T>
Head<T> head_at(std::int64_t b, std::int64_t h, const QueriesKeysValues<T>& input,
                const AttentionConfig& config) {
  const auto at = place_of(b, h, input.queries, input.keys, config);
  return {.query_count = input.queries[b].length,
          .key_count = input.keys[b].length,
          .width = config.head_width,
          .ahead = input.queries[b].first - input.keys[b].first,
          .q = {input.q.data() + at.q, at.q_stride},
          .k = {input.kv.data() + at.k, at.kv_stride},
          .v = {input.kv.data() + at.v, at.kv_stride},
          .bias = input.bias.empty() ? nullptr : input.bias.values.data() + bias_offset(b, h, input)};
}

/// Where the scores of each sequence begin when all are kept: [H,Tq,Tk] each.
std::vector<std::int64_t> score_offsets(const Sequences& queries, const Sequences& keys, std::int64_t heads) {
  std::vector<std::int64_t> begin{0};
  for (std::int64_t b = 0; b < keys.count(); ++b)
    begin.push_back(begin.back() + heads * queries[b].length * keys[b].length);
  return begin;
}

}  // namespace

template <class T>
Tensor<T> attention(const QueriesKeysValues<T>& input, const AttentionConfig& config, Pass<T>& pass) {
  check(input, config);
  const OpTimer timer(pass.times, Op::attention);
  const std::int64_t heads = config.heads;
  Tensor<T> y(input.q.shape());
  // Without a tape each thread needs the scores of one head at a time.
  const auto begin =
      pass.tape ? score_offsets(input.queries, input.keys, heads) : std::vector<std::int64_t>{};
  Tensor<T> softmaxes = pass.tape ? Tensor<T>({begin.back()}) : Tensor<T>{};
  const auto run = [&](std::int64_t first, std::int64_t last) {
    Tensor<T> scores;
    for (std::int64_t i = first; i < last; ++i) {
      const auto b = i / heads, h = i % heads;
      const auto values = input.queries[b].length * input.keys[b].length;
      if (!pass.tape && (scores.empty() || scores.size() < values)) scores = Tensor<T>({values});
      const auto at = place_of(b, h, input.queries, input.keys, config);
      attend<T>(head_at(b, h, input, config), config,
                pass.tape ? softmaxes.data() + begin[b] + h * values : scores.data(),
                {y.data() + at.q, at.q_stride});
    }
  };
  const auto count = input.queries.count() * heads;
  parallel_for(count, pass.workers == Workers::all ? 1 : count, run);
  if (auto* tape = pass.tape) {
    tape->record(y, {input.q.identity(), input.kv.identity(), input.bias.values.identity()},
                 [=, q = input.q, kv = input.kv, queries = input.queries, keys = input.keys,
                  bias = input.bias](const Tensor<T>& dy) {
                   attention_backward<T>(dy, {q, kv, queries, keys, bias}, config, softmaxes, *tape);
                 });
  }
  return y;
}

/// Gradients of queries, keys and values, and of the bias, which sequences share.
template <class T>
void attention_backward(const Tensor<T>& dy, const QueriesKeysValues<T>& input, const AttentionConfig& config,
                        const Tensor<T>& softmaxes, Tape<T>& tape) {
  auto dq = Tensor<T>::zeros(input.q.shape());
  auto dkv = Tensor<T>::zeros(input.kv.shape());
  const auto& bias = input.bias.values;
  auto d_bias = !bias.empty() && tape.watches(bias) ? tape.sum(bias) : Tensor<T>{};
  const auto begin = score_offsets(input.queries, input.keys, config.heads);
  Tensor<T> ds;
  for (std::int64_t b = 0; b < input.keys.count(); ++b) {
    const auto values = input.queries[b].length * input.keys[b].length;
    if (ds.empty() || ds.size() < values) ds = Tensor<T>({values});
    for (std::int64_t h = 0; h < config.heads; ++h) {
      const auto at = place_of(b, h, input.queries, input.keys, config);
      attend_backward<T>(head_at(b, h, input, config), config, softmaxes.data() + begin[b] + h * values,
                         ds.data(),
                         {.dy = {dy.data() + at.q, at.q_stride},
                          .dq = {dq.data() + at.q, at.q_stride},
                          .dk = {dkv.data() + at.k, at.kv_stride},
                          .dv = {dkv.data() + at.v, at.kv_stride},
                          .bias = d_bias.empty() ? nullptr : d_bias.data() + bias_offset(b, h, input)});
    }
  }
  tape.add(input.q, dq);
  tape.add(input.kv, dkv);
}

template <class T>
Tensor<T> multi_head_attention(const AttentionInput<T>& input, const AttentionConfig& config,
                               const AttentionWeights<T>& weights, Pass<T>& pass) {
  auto q = linear(input.x, weights.query, pass);            // [Nq, H*D]
  auto kv = linear(input.memory, weights.key_value, pass);  // [Nk, 2*H*D]
  return attention<T>({std::move(q), std::move(kv), input.queries, input.keys}, config, pass);
}

template Tensor<float> attention(const QueriesKeysValues<float>&, const AttentionConfig&, Pass<float>&);
template Tensor<double> attention(const QueriesKeysValues<double>&, const AttentionConfig&, Pass<double>&);
template Tensor<float> multi_head_attention(const AttentionInput<float>&, const AttentionConfig&,
                                            const AttentionWeights<float>&, Pass<float>&);
template Tensor<double> multi_head_attention(const AttentionInput<double>&, const AttentionConfig&,
                                             const AttentionWeights<double>&, Pass<double>&);

}  // namespace beeld
