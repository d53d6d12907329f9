#include "core/ops/relative_bias.h"

#include <beeld/error.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/tensor/tape.h"

namespace beeld {

std::int64_t bucket_of(std::int64_t distance, const RelativeBuckets& buckets) {
  const bool both = buckets.sides == BucketSides::both;
  const std::int64_t count = both ? buckets.count / 2 : buckets.count, exact = count / 2;
  const std::int64_t side = both && distance > 0 ? count : 0;
  const auto apart = both ? std::abs(distance) : std::max<std::int64_t>(-distance, 0);
  if (apart < exact) return side + apart;
  // In float, as models were trained: a border between buckets lies where float has it.
  const auto near = static_cast<float>(exact);
  const float share =
      std::log(static_cast<float>(apart) / near) / std::log(static_cast<float>(buckets.farthest) / near);
  const auto grouped = static_cast<std::int64_t>(share * static_cast<float>(count - exact));
  return side + std::min(exact + grouped, count - 1);
}

Distances Distances::between(const Sequences& queries, const Sequences& keys) {
  Distances distances;
  bool any = false;
  for (std::int64_t b = 0; b < queries.count(); ++b) {
    const auto &q = queries[b], &k = keys[b];
    if (q.length == 0 || k.length == 0) continue;
    const auto lowest = k.first - (q.next() - 1), highest = k.next() - 1 - q.first;
    distances.lowest = any ? std::min(distances.lowest, lowest) : lowest;
    distances.highest = any ? std::max(distances.highest, highest) : highest;
    any = true;
  }
  return distances;
}

template <class T>
DistanceBias<T> relative_bias(const Tensor<T>& table, const RelativeBuckets& buckets, Distances distances,
                              Pass<T>& pass) {
  const bool divided = buckets.count >= 4 && buckets.count % 2 == 0 && buckets.farthest > buckets.count / 2;
  if (!divided || table.shape().rank() != 2 || table.rows() != buckets.count) {
    throw Error(ErrorCode::invalid_argument, "[relative bias] a table of " + table.shape().string() +
                                                 " for " + std::to_string(buckets.count) +
                                                 " buckets up to distance " +
                                                 std::to_string(buckets.farthest));
  }
  const auto heads = table.columns(), count = distances.highest - distances.lowest + 1;
  std::vector<std::int64_t> bucket(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i)
    bucket[static_cast<std::size_t>(i)] = bucket_of(distances.lowest + i, buckets);
  DistanceBias<T> bias{Tensor<T>({heads, count}), distances.lowest};
  for (std::int64_t h = 0; h < heads; ++h) {
    for (std::int64_t i = 0; i < count; ++i)
      bias.values.row(h)[i] = table.row(bucket[static_cast<std::size_t>(i)])[h];
  }
  if (auto* tape = pass.tape) {
    tape->record(bias.values, {table.identity()}, [=](const Tensor<T>& dy) {
      auto sum = tape->sum(table);
      for (std::int64_t h = 0; h < heads; ++h) {
        for (std::int64_t i = 0; i < count; ++i)
          sum.row(bucket[static_cast<std::size_t>(i)])[h] += dy.row(h)[i];
      }
    });
  }
  return bias;
}

template DistanceBias<float> relative_bias(const Tensor<float>&, const RelativeBuckets&, Distances,
                                           Pass<float>&);
template DistanceBias<double> relative_bias(const Tensor<double>&, const RelativeBuckets&, Distances,
                                            Pass<double>&);

}  // namespace beeld
