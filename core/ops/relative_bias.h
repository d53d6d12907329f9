#pragma once

#include <cstdint>

#include "core/tensor/pass.h"
#include "core/tensor/sequences.h"
#include "core/tensor/tensor.h"

namespace beeld {

/// Which distances from a query to a key have buckets of their own.
enum class BucketSides {
  both,      ///< one half for keys up to the query, the other for those behind it
  backward,  ///< all for keys up to the query; what is behind it shares the bucket of distance 0
};

/// How distances between tokens share learned values: near ones have one each, farther ones are grouped by
/// their logarithm, and from `farthest` on all are the same (Raffel et al. 2020).
struct RelativeBuckets {
  int count = 32;      ///< K
  int farthest = 128;  ///< tokens
  BucketSides sides = BucketSides::both;
};

/// The bucket of a key that stands `distance` positions behind the query; before it where that is negative.
std::int64_t bucket_of(std::int64_t distance, const RelativeBuckets& buckets);

/// What is added to the scores of every head, by the distance from query to key: as the scores of unequal
/// lengths, single rows and cached keys ask for the same values, they are held once.
template <class T>
struct DistanceBias {
  Tensor<T> values;         // [H, distances]
  std::int64_t lowest = 0;  ///< the distance of the first column

  bool empty() const { return values.empty(); }
};

/// From the lowest to the highest of the distances that occur, both included.
struct Distances {
  std::int64_t lowest = 0;
  std::int64_t highest = 0;

  /// All distances from queries to keys of the same sequence.
  static Distances between(const Sequences& queries, const Sequences& keys);
};

/// The learned values of all these distances: table [K,H] -> [H, distances]. Throws Error(invalid_argument)
/// for a table of other buckets.
template <class T>
DistanceBias<T> relative_bias(const Tensor<T>& table, const RelativeBuckets& buckets, Distances distances,
                              Pass<T>& pass);

}  // namespace beeld
