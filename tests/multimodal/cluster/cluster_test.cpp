#include <beeld/cluster.h>
#include <beeld/error.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

#include "core/base/parallel.h"
#include "tests/support/expect_error.h"

namespace beeld::testing {

/// Unit rows around `clusters` directions; row i belongs to direction i % clusters.
Matrix planted(std::size_t count, std::size_t clusters, std::size_t width, float spread) {
  std::mt19937 random(17);
  std::normal_distribution<float> normal;
  Matrix directions(clusters, width);
  for (auto& value : directions.values) value = normal(random);
  normalize_rows(directions);
  Matrix rows(count, width);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t d = 0; d < width; ++d)
      rows[i][d] =
          directions[i % clusters][d] + spread * normal(random) / std::sqrt(static_cast<float>(width));
  normalize_rows(rows);
  return rows;
}

TEST(Cluster, FindsPlantedClusters) {
  const auto rows = planted(900, 9, 32, 0.4F);
  const auto clusters = cluster(rows, {.clusters = 9});
  std::set<std::size_t> used;
  for (std::size_t k = 0; k < 9; ++k) used.insert(clusters.assignment[k]);
  EXPECT_EQ(used.size(), 9u);
  for (std::size_t i = 0; i < 900; ++i) EXPECT_EQ(clusters.assignment[i], clusters.assignment[i % 9]);
}

TEST(Cluster, EveryRowIsWithItsNearestCentreAndCentresAreMeanDirections) {
  const auto rows = planted(500, 20, 24, 2.0F);
  const auto clusters = cluster(rows, {.clusters = 7, .iterations = 1000});
  Matrix means(7, 24);
  double objective = 0;
  for (std::size_t i = 0; i < 500; ++i) {
    const auto own = clusters.assignment[i];
    for (std::size_t k = 0; k < 7; ++k)
      EXPECT_GE(dot(rows[i], clusters.centres[own]), dot(rows[i], clusters.centres[k]) - 1e-6F);
    for (std::size_t d = 0; d < 24; ++d) means[own][d] += rows[i][d];
    objective += static_cast<double>(dot(rows[i], clusters.centres[own]));
  }
  normalize_rows(means);
  for (std::size_t i = 0; i < means.values.size(); ++i)
    EXPECT_NEAR(means.values[i], clusters.centres.values[i], 1e-5);
  EXPECT_NEAR(clusters.objective, objective / 500, 1e-9);
}

TEST(Cluster, RestartsNeverMakeItWorse) {
  const auto rows = planted(400, 30, 16, 1.0F);
  double before = -1;
  for (const int restarts : {1, 3, 10}) {
    const double objective = cluster(rows, {.clusters = 12, .restarts = restarts}).objective;
    EXPECT_GE(objective, before);
    before = objective;
  }
}

TEST(Cluster, DoesNotDependOnTheNumberOfThreads) {
  const auto rows = planted(3000, 15, 40, 1.5F);
  const ClusterOptions options{.clusters = 11, .restarts = 2, .seed = 99};
  set_thread_count(1);
  const auto one = cluster(rows, options);
  set_thread_count(4);
  const auto four = cluster(rows, options);
  set_thread_count(0);
  EXPECT_EQ(one.assignment, four.assignment);
  EXPECT_EQ(one.centres.values, four.centres.values);
  EXPECT_EQ(one.objective, four.objective);
}

TEST(Cluster, LeavesNoClusterEmptyEvenAmongEqualRows) {
  Matrix rows(10, 3);
  for (std::size_t i = 0; i < 10; ++i) rows[i][i < 8 ? 0 : 1] = 1;
  for (const std::size_t count : {1, 2, 5, 10}) {
    const auto clusters = cluster(rows, {.clusters = count});
    EXPECT_EQ(std::set<std::size_t>(clusters.assignment.begin(), clusters.assignment.end()).size(), count);
    for (const float value : clusters.centres.values) EXPECT_TRUE(std::isfinite(value));
  }
  EXPECT_NEAR(cluster(rows, {.clusters = 2}).objective, 1, 1e-9);
}

TEST(Cluster, RefusesImpossibleNumbers) {
  const auto rows = planted(5, 2, 4, 0.1F);
  expect_error(ErrorCode::invalid_argument, "expected 1 to 5 clusters (the number of rows), got 0",
               [&] { cluster(rows, {.clusters = 0}); });
  expect_error(ErrorCode::invalid_argument, "expected 1 to 5 clusters (the number of rows), got 6",
               [&] { cluster(rows, {.clusters = 6}); });
  expect_error(ErrorCode::invalid_argument, "expected 1 to 0 clusters",
               [&] { cluster(Matrix(0, 4), {.clusters = 1}); });
}

TEST(Nearest, EqualsBruteForce) {
  const auto rows = planted(300, 300, 20, 0);
  auto candidates = planted(2500, 2500, 20, 0.5F);
  std::copy_n(candidates[5].begin(), 20, candidates[2000].begin());  // of equal ones the first
  std::copy_n(rows[0].begin(), 20, candidates[5].begin());
  std::copy_n(rows[0].begin(), 20, candidates[2000].begin());
  const auto found = nearest(rows, candidates);
  EXPECT_EQ(found[0], 5u);
  for (std::size_t i = 0; i < 300; ++i) {
    float best = -2;
    for (std::size_t k = 0; k < 2500; ++k) best = std::max(best, dot(rows[i], candidates[k]));
    EXPECT_NEAR(dot(rows[i], candidates[found[i]]), best, 1e-6);
  }
  EXPECT_TRUE(nearest(Matrix(0, 20), candidates).empty());
  expect_error(ErrorCode::invalid_argument, "expected at least one candidate",
               [&] { nearest(rows, Matrix(0, 20)); });
  expect_error(ErrorCode::invalid_argument, "expected candidates of 20 values, got 21",
               [&] { nearest(rows, Matrix(1, 21)); });
}

}  // namespace beeld::testing
