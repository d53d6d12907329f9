#include <beeld/cluster.h>
#include <beeld/error.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <utility>

#include "core/base/parallel.h"
#include "multimodal/cluster/nearest.h"

namespace beeld {

namespace {

/// Uniform in [0,1), the same on every platform.
double uniform(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

void copy_row(const Matrix& from, std::size_t row, Matrix& to, std::size_t to_row) {
  std::copy_n(from[row].begin(), from.columns, to[to_row].begin());
}

/// k-means++: every further centre is a row drawn with a probability proportional to its squared distance
/// from the nearest centre so far, which between unit vectors is 2 - 2 cos.
Matrix first_centres(const Matrix& rows, std::size_t count, std::mt19937_64& random) {
  Matrix centres(count, rows.columns);
  std::vector<double> distance(rows.rows, 4.0);
  auto chosen = static_cast<std::size_t>(uniform(random) * static_cast<double>(rows.rows));
  for (std::size_t k = 0;; ++k) {
    copy_row(rows, chosen, centres, k);
    if (k + 1 == count) return centres;
    const auto centre = centres[k];
    parallel_for(static_cast<std::int64_t>(rows.rows), 1024, [&](std::int64_t begin, std::int64_t end) {
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
        distance[i] = std::min(distance[i], std::max(0.0, 2 - 2 * static_cast<double>(dot(rows[i], centre))));
    });
    double rest = uniform(random) * std::accumulate(distance.begin(), distance.end(), 0.0);
    chosen = 0;
    while (chosen + 1 < rows.rows && (rest -= distance[chosen]) >= 0) ++chosen;
  }
}

/// Rows grouped by cluster: those of cluster k are order[begin[k]] to order[begin[k + 1] - 1], ascending.
struct Groups {
  std::vector<std::size_t> begin;
  std::vector<std::size_t> order;
};

Groups group(const std::vector<std::size_t>& assignment, std::size_t clusters) {
  Groups groups{std::vector<std::size_t>(clusters + 1), std::vector<std::size_t>(assignment.size())};
  for (const auto k : assignment) ++groups.begin[k + 1];
  std::partial_sum(groups.begin.begin(), groups.begin.end(), groups.begin.begin());
  auto next = groups.begin;
  for (std::size_t row = 0; row < assignment.size(); ++row) groups.order[next[assignment[row]]++] = row;
  return groups;
}

/// Each centre becomes the direction of the sum of its rows. One task a cluster, so that the order of the
/// additions does not depend on the threads.
void update_centres(const Matrix& rows, const std::vector<std::size_t>& assignment, Matrix& centres) {
  const auto groups = group(assignment, centres.rows);
  parallel_for(static_cast<std::int64_t>(centres.rows), 1, [&](std::int64_t first, std::int64_t last) {
    std::vector<double> sum(rows.columns);
    for (auto k = static_cast<std::size_t>(first); k < static_cast<std::size_t>(last); ++k) {
      std::fill(sum.begin(), sum.end(), 0.0);
      for (auto i = groups.begin[k]; i < groups.begin[k + 1]; ++i) {
        const auto row = rows[groups.order[i]];
        for (std::size_t d = 0; d < rows.columns; ++d) sum[d] += static_cast<double>(row[d]);
      }
      double squares = 0;
      for (const double value : sum) squares += value * value;
      if (squares == 0) continue;  // rows that cancel each other keep their old centre
      const double scale = 1 / std::sqrt(squares);
      for (std::size_t d = 0; d < rows.columns; ++d) centres[k][d] = static_cast<float>(sum[d] * scale);
    }
  });
}

/// A cluster without rows gets the row farthest from its centre, of those that are not alone in theirs.
void fill_empty_clusters(Nearest& nearest, std::size_t clusters) {
  std::vector<std::size_t> sizes(clusters);
  for (const auto k : nearest.index) ++sizes[k];
  for (std::size_t k = 0; k < clusters; ++k) {
    if (sizes[k] > 0) continue;
    auto farthest = nearest.index.size();
    for (std::size_t row = 0; row < nearest.index.size(); ++row) {
      if (sizes[nearest.index[row]] < 2) continue;
      if (farthest == nearest.index.size() || nearest.cosine[row] < nearest.cosine[farthest]) farthest = row;
    }
    --sizes[nearest.index[farthest]];
    ++sizes[k];
    nearest.index[farthest] = k;
    nearest.cosine[farthest] = 1;
  }
}

double mean_cosine(const Matrix& rows, const Clusters& clusters) {
  double sum = 0;
  for (std::size_t row = 0; row < rows.rows; ++row)
    sum += static_cast<double>(dot(rows[row], clusters.centres[clusters.assignment[row]]));
  return sum / static_cast<double>(rows.rows);
}

Clusters run_once(const Matrix& rows, const ClusterOptions& options, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Clusters clusters;
  clusters.centres = first_centres(rows, options.clusters, random);
  for (int iteration = 0; iteration < std::max(options.iterations, 1); ++iteration) {
    auto nearest = nearest_rows(rows, clusters.centres);
    fill_empty_clusters(nearest, options.clusters);
    if (nearest.index == clusters.assignment) break;
    clusters.assignment = std::move(nearest.index);
    update_centres(rows, clusters.assignment, clusters.centres);
  }
  clusters.objective = mean_cosine(rows, clusters);
  return clusters;
}

}  // namespace

Clusters cluster(const Matrix& rows, const ClusterOptions& options) {
  if (options.clusters == 0 || options.clusters > rows.rows) {
    throw Error(ErrorCode::invalid_argument, "[cluster] expected 1 to " + std::to_string(rows.rows) +
                                                 " clusters (the number of rows), got " +
                                                 std::to_string(options.clusters));
  }
  Clusters best;
  best.objective = -std::numeric_limits<double>::infinity();
  for (int restart = 0; restart < std::max(options.restarts, 1); ++restart) {
    auto clusters = run_once(rows, options, options.seed + static_cast<std::uint64_t>(restart));
    if (restart == 0 || clusters.objective > best.objective) best = std::move(clusters);
  }
  return best;
}

std::vector<std::size_t> nearest(const Matrix& rows, const Matrix& candidates) {
  if (candidates.rows == 0)
    throw Error(ErrorCode::invalid_argument, "[nearest] expected at least one candidate, got none");
  if (rows.rows > 0 && rows.columns != candidates.columns) {
    throw Error(ErrorCode::invalid_argument, "[nearest] expected candidates of " +
                                                 std::to_string(rows.columns) + " values, got " +
                                                 std::to_string(candidates.columns));
  }
  return nearest_rows(rows, candidates).index;
}

}  // namespace beeld
