#pragma once

#include <beeld/matrix.h>

#include <cstdint>

namespace beeld {

struct ClusterOptions {
  std::size_t clusters = 8;
  int restarts = 5;      ///< Independent starts; the best objective wins.
  int iterations = 100;  ///< At most, for each start.
  std::uint64_t seed = 1234;
};

struct Clusters {
  Matrix centres;                       ///< [K,D], unit length
  std::vector<std::size_t> assignment;  ///< [N], index of each row's centre; no centre is without rows
  double objective = 0;                 ///< Mean cosine of a row with its centre.
};

/// Spherical k-means with a k-means++ start over unit rows `[N,D]` (Dhillon & Modha 2001; Arthur &
/// Vassilvitskii 2007). The same input and seed give the same result whatever the number of threads. Throws
/// Error(invalid_argument) for zero clusters or more clusters than rows.
Clusters cluster(const Matrix& rows, const ClusterOptions& options = {});

/// Index of the nearest row of `candidates` `[M,D]` for every row of `rows` `[N,D]`, of equally near ones the
/// first; both unit length. Throws Error(invalid_argument) for no candidates, or another D.
std::vector<std::size_t> nearest(const Matrix& rows, const Matrix& candidates);

struct DuplicateGroup {
  std::vector<std::size_t> rows;  ///< In input order, at least two.

  /// The largest cosine c such that pairs with cosines of c and more hold the group together: the weakest
  /// link of its maximum spanning tree. The cosine of the pair, for two rows.
  float similarity = 0;

  float lowest = 0;  ///< The cosine of its least alike pair.
};

/// When rows belong to one group.
enum class Linkage {
  single,    ///< They are linked, directly or through other rows, by cosines of at least the threshold.
  complete,  ///< The cosine of every two of them is at least the threshold.
};

/// Groups of unit rows `[N,D]` by cosines (as by dot()) of at least `threshold`; largest similarity first,
/// then in the order of their first rows. Exact over all pairs: N^2 D / 2 products, memory linear in N.
///
/// Complete groups are parts of single ones: from the strongest link of their maximum spanning tree to the
/// weakest, two groups become one where all their pairs allow it. Throws Error(invalid_argument) for a
/// threshold that is no number.
std::vector<DuplicateGroup> near_duplicates(const Matrix& rows, float threshold,
                                            Linkage linkage = Linkage::single);

}  // namespace beeld
