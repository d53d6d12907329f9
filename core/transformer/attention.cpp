#include "core/transformer/attention.h"

#include <beeld/error.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/base/parallel.h"
#include "core/ops/softmax.h"
#include "core/tensor/tape.h"

namespace beeld {

namespace {

/// Rows that ask the same keys: one head of all queries of a sequence, or its only query in several heads.
/// The rows of q and y, and of k and v, lie a stride apart.
template <class T>
struct Rows {
  std::int64_t query_count, key_count, width;
  std::int64_t ahead;  // keys that stand before the first row
  std::int64_t apart;  // positions from one row to the next
  Operand<T> q, k, v;
  const KeyValueCache<T>* cache;  // holds keys and values instead, or null
  CachePlace place;
  const T* bias;           // of the first row and all keys, or null
  std::int64_t bias_step;  // to that of the next row

  std::int64_t visible(std::int64_t row, AttentionMask mask) const {
    return mask == AttentionMask::causal ? ahead + row * apart + 1 : key_count;
  }

  /// Calls visit(first, count, rows) for all keys or values: a page at a time where a cache holds them, which
  /// may need `room` for one.
  template <class Visit>
  void for_each_part(CachePart part, T* room, const Visit& visit) const {
    if (!cache) return visit(std::int64_t{0}, key_count, part == CachePart::keys ? k : v);
    constexpr auto rows = KeyValueCache<T>::page_rows;
    auto at = place;
    at.part = part;
    for (std::int64_t first = 0; first < key_count; first += rows, ++at.page)
      visit(first, std::min(rows, key_count - first), Operand<T>{cache->rows(at, room), width});
  }
};

/// Working memory of one thread.
template <class T>
struct Workspace {
  T* scores;  // [Tq,Tk], keeps the softmax
  T* room;    // [page_rows,D] where a cache needs it
};

/// y [Tq,D] = softmax(scale * q k^T + bias + mask) v
template <class T>
void attend(const Rows<T>& rows, const AttentionConfig& config, Workspace<T> work, Result<T> y) {
  const auto tq = rows.query_count, tk = rows.key_count;
  T* scores = work.scores;
  rows.for_each_part(CachePart::keys, work.room, [&](auto first, auto count, Operand<T> k) {
    k.layout = Layout::transposed;
    product<T>({tq, count, rows.width}, {.alpha = static_cast<T>(config.scale)}, rows.q, k,
               {scores + first, tk});
  });
  for (std::int64_t i = 0; i < tq; ++i) {
    T* row = scores + i * tk;
    // A masked score is -infinity, so its weight is zero: the softmax runs over the visible keys only.
    const auto visible = rows.visible(i, config.mask);
    if (rows.bias) std::transform(row, row + visible, rows.bias + i * rows.bias_step, row, std::plus<T>());
    softmax(row, visible);
    std::fill(row + visible, row + tk, T{0});
  }
  rows.for_each_part(CachePart::values, work.room, [&](auto first, auto count, Operand<T> v) {
    product<T>({tq, rows.width, count}, {.beta = first == 0 ? T{0} : T{1}}, {scores + first, tk}, v, y);
  });
}

/// The gradients of one head, added to.
template <class T>
struct HeadGradient {
  Operand<T> dy;
  Result<T> dq, dk, dv;
  T* bias;  // as that of the rows
};

/// With P the softmax and dP = dy v^T: dv = P^T dy, dS = P * (dP - sum of P dP along the row),
/// dq = scale * dS k, dk = scale * dS^T q. `ds` [Tq,Tk] is working memory.
template <class T>
void attend_backward(const Rows<T>& rows, const AttentionConfig& config, const T* p, T* ds,
                     const HeadGradient<T>& gradient) {
  const auto tq = rows.query_count, tk = rows.key_count, d = rows.width;
  const Factors<T> adding{.alpha = 1, .beta = 1};
  const Factors<T> scaled{.alpha = static_cast<T>(config.scale), .beta = 1};
  product<T>({tk, d, tq}, adding, {p, tk, Layout::transposed}, gradient.dy, gradient.dv);
  auto v = rows.v;
  v.layout = Layout::transposed;
  product<T>({tq, tk, d}, {}, gradient.dy, v, {ds, tk});
  for (std::int64_t i = 0; i < tq; ++i) {
    T* row = ds + i * tk;
    softmax_backward(p + i * tk, tk, row);
    if (!gradient.bias) continue;
    std::transform(row, row + rows.visible(i, config.mask), gradient.bias - i, gradient.bias - i,
                   std::plus<T>());
  }
  product<T>({tq, d, tk}, scaled, {ds, tk}, rows.k, gradient.dq);
  product<T>({tk, d, tq}, scaled, {ds, tk, Layout::transposed}, rows.q, gradient.dk);
}

template <class T>
void check(const QueriesKeysValues<T>& input, const AttentionConfig& config) {
  const auto fail = [](const std::string& what) {
    throw Error(ErrorCode::invalid_argument, "[attention] " + what);
  };
  const std::int64_t key_width = config.key_value_heads * config.head_width;
  if (input.q.columns() != config.heads * config.head_width ||
      (!input.cache && input.kv.columns() != 2 * key_width)) {
    fail("queries " + input.q.shape().string() + " and keys with values " + input.kv.shape().string() +
         " do not fit the heads");
  }
  if (config.key_value_heads <= 0 || config.heads % config.key_value_heads != 0) {
    fail(std::to_string(config.heads) + " heads cannot share " + std::to_string(config.key_value_heads) +
         " key/value heads");
  }
  if (input.q.rows() != input.queries.rows() || (!input.cache && input.kv.rows() != input.keys.rows()) ||
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

/// A sequence, and the first of as many of its heads as are computed together.
struct Part {
  std::int64_t sequence, head, together;
};

/// Where they lie in q and y, and in keys and values.
struct Place {
  std::int64_t q, k, v;              // offsets of the first value
  std::int64_t q_stride, kv_stride;  // from one row to the next
  std::int64_t key_value_head;
};

template <class T>
Place place_of(const Part& part, const QueriesKeysValues<T>& input, const AttentionConfig& config) {
  const std::int64_t d = config.head_width, q_width = config.heads * d,
                     key_width = config.key_value_heads * d;
  const auto key_value_head = part.head * config.key_value_heads / config.heads;
  const auto k = input.keys[part.sequence].begin * 2 * key_width + key_value_head * d;
  return {.q = input.queries[part.sequence].begin * q_width + part.head * d,
          .k = k,
          .v = k + key_width,
          .q_stride = part.together == 1 ? q_width : d,
          .kv_stride = 2 * key_width,
          .key_value_head = key_value_head};
}

/// From the first value of a bias [H, distances] to that of the first query and the first key.
template <class T>
std::int64_t bias_offset(const Part& part, const QueriesKeysValues<T>& input) {
  const auto distance = input.keys[part.sequence].first - input.queries[part.sequence].first;
  return part.head * input.bias.values.columns() + distance - input.bias.lowest;
}

template <class T>
Rows<T> rows_of(const Part& part, const QueriesKeysValues<T>& input, const AttentionConfig& config) {
  const auto at = place_of(part, input, config);
  const auto &queries = input.queries[part.sequence], &keys = input.keys[part.sequence];
  const bool one_head = part.together == 1, biased = !input.bias.empty();
  return {.query_count = one_head ? queries.length : part.together,
          .key_count = keys.length,
          .width = config.head_width,
          .ahead = queries.first - keys.first,
          .apart = one_head ? 1 : 0,
          .q = {input.q.data() + at.q, at.q_stride},
          .k = input.cache ? Operand<T>{} : Operand<T>{input.kv.data() + at.k, at.kv_stride},
          .v = input.cache ? Operand<T>{} : Operand<T>{input.kv.data() + at.v, at.kv_stride},
          .cache = input.cache,
          .place = {.sequence = part.sequence, .layer = input.place.layer, .head = at.key_value_head},
          .bias = biased ? input.bias.values.data() + bias_offset(part, input) : nullptr,
          .bias_step = biased && !one_head ? input.bias.values.columns() : -1};
}

/// Where the scores of each sequence begin when all are kept: [H,Tq,Tk] each.
std::vector<std::int64_t> score_offsets(const Sequences& queries, const Sequences& keys, std::int64_t heads) {
  std::vector<std::int64_t> begin{0};
  for (std::int64_t b = 0; b < keys.count(); ++b)
    begin.push_back(begin.back() + heads * queries[b].length * keys[b].length);
  return begin;
}

/// Where the probabilities of each head of each sequence are wanted, null where they are not; empty where
/// none are.
template <class T>
std::vector<T*> asked_maps(const QueriesKeysValues<T>& input, const AttentionConfig& config,
                           const Pass<T>& pass) {
  std::vector<T*> maps;
  if (!pass.maps) return maps;
  for (std::int64_t b = 0; b < input.queries.count(); ++b) {
    for (int h = 0; h < config.heads; ++h) {
      maps.push_back(nullptr);
      if (!pass.maps->asks(input.place, h)) continue;
      Tensor<T> probabilities({input.queries[b].length, input.keys[b].length});
      maps.back() = probabilities.data();
      pass.maps->found.push_back({input.place, h, b, std::move(probabilities)});
    }
  }
  return maps;
}

}  // namespace

template <class T>
void attention_backward(const Tensor<T>& dy, const QueriesKeysValues<T>& input, const AttentionConfig& config,
                        const Tensor<T>& softmaxes, Tape<T>& tape);

template <class T>
Tensor<T> attention(const QueriesKeysValues<T>& input, const AttentionConfig& config, Pass<T>& pass) {
  check(input, config);
  const OpTimer timer(pass.times, Op::attention);
  const std::int64_t heads = config.heads, groups = config.key_value_heads, group = heads / groups;
  Tensor<T> y(input.q.shape());
  // Without a tape each thread needs the scores of one part at a time.
  const auto begin =
      pass.tape ? score_offsets(input.queries, input.keys, heads) : std::vector<std::int64_t>{};
  Tensor<T> softmaxes = pass.tape ? Tensor<T>({begin.back()}) : Tensor<T>{};
  const auto maps = asked_maps(input, config, pass);
  const auto run = [&](std::int64_t first, std::int64_t last) {
    Tensor<T> scores, room;
    if (input.cache && input.cache->needs_room())
      room = Tensor<T>({KeyValueCache<T>::page_rows, config.head_width});
    for (std::int64_t i = first * group; i < last * group;) {
      // The heads of a group ask the same keys: a single query asks for all of them at once.
      const Part part{i / heads, i % heads, input.queries[i / heads].length == 1 ? group : 1};
      const auto b = part.sequence, values = input.queries[b].length * input.keys[b].length;
      if (!pass.tape && (scores.empty() || scores.size() < part.together * values))
        scores = Tensor<T>({part.together * values});
      T* softmax = pass.tape ? softmaxes.data() + begin[b] + part.head * values : scores.data();
      const auto at = place_of(part, input, config);
      if (values > 0) {
        const Result<T> result{y.data() + at.q, at.q_stride};
        attend<T>(rows_of(part, input, config), config, {softmax, room.data()}, result);
      }
      for (const auto end = i + part.together; i < end; ++i, softmax += values) {
        if (!maps.empty() && maps[i]) std::copy_n(softmax, values, maps[i]);
      }
    }
  };
  const auto count = input.queries.count() * groups;
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
    if (values == 0) continue;
    if (ds.empty() || ds.size() < values) ds = Tensor<T>({values});
    for (std::int64_t h = 0; h < config.heads; ++h) {
      const Part part{b, h, 1};
      const auto at = place_of(part, input, config);
      attend_backward<T>(rows_of(part, input, config), config, softmaxes.data() + begin[b] + h * values,
                         ds.data(),
                         {.dy = {dy.data() + at.q, at.q_stride},
                          .dq = {dq.data() + at.q, at.q_stride},
                          .dk = {dkv.data() + at.k, at.kv_stride},
                          .dv = {dkv.data() + at.v, at.kv_stride},
                          .bias = d_bias.empty() ? nullptr : d_bias.data() + bias_offset(part, input)});
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
  return attention<T>({.q = std::move(q),
                       .kv = std::move(kv),
                       .queries = input.queries,
                       .keys = input.keys,
                       .place = {AttentionKind::pooling}},
                      config, pass);
}

template Tensor<float> attention(const QueriesKeysValues<float>&, const AttentionConfig&, Pass<float>&);
template Tensor<double> attention(const QueriesKeysValues<double>&, const AttentionConfig&, Pass<double>&);
template Tensor<float> multi_head_attention(const AttentionInput<float>&, const AttentionConfig&,
                                            const AttentionWeights<float>&, Pass<float>&);
template Tensor<double> multi_head_attention(const AttentionInput<double>&, const AttentionConfig&,
                                             const AttentionWeights<double>&, Pass<double>&);

}  // namespace beeld
