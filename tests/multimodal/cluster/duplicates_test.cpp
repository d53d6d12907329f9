#include <beeld/cluster.h>
#include <beeld/error.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "tests/support/expect_error.h"

namespace beeld::testing {

Matrix near_copies(std::size_t count, std::size_t originals, float spread) {
  std::mt19937 random(23);
  std::normal_distribution<float> normal;
  Matrix rows(count, 24);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t d = 0; d < 24; ++d) {
      std::mt19937 original(static_cast<unsigned>(i * 31 % originals * 24 + d));
      rows[i][d] = std::normal_distribution<float>()(original) + spread * normal(random);
    }
  normalize_rows(rows);
  return rows;
}

float lowest_of(const Matrix& rows, const std::vector<std::size_t>& members) {
  float lowest = 2;
  for (const auto a : members)
    for (const auto b : members)
      if (a < b) lowest = std::min(lowest, dot(rows[a], rows[b]));
  return lowest;
}

/// The definition: components of the graph of all pairs, and the highest bar that keeps a group together.
std::vector<DuplicateGroup> brute_force(const Matrix& rows, float threshold) {
  const auto components = [&](float bar, const std::vector<std::size_t>& members) {
    std::vector<std::vector<std::size_t>> found;
    std::vector<std::size_t> left = members;
    while (!left.empty()) {
      std::vector<std::size_t> group = {left.front()};
      left.erase(left.begin());
      for (std::size_t i = 0; i < group.size(); ++i)
        for (std::size_t j = 0; j < left.size();)
          if (dot(rows[group[i]], rows[left[j]]) >= bar) {
            group.push_back(left[j]);
            left.erase(left.begin() + static_cast<std::ptrdiff_t>(j));
          } else {
            ++j;
          }
      std::sort(group.begin(), group.end());
      found.push_back(group);
    }
    return found;
  };
  std::vector<std::size_t> all(rows.rows);
  std::iota(all.begin(), all.end(), std::size_t{0});
  std::vector<DuplicateGroup> groups;
  for (const auto& members : components(threshold, all)) {
    if (members.size() < 2) continue;
    float similarity = -2;
    for (const auto a : members)
      for (const auto b : members)
        if (const float bar = dot(rows[a], rows[b]);
            a < b && bar > similarity && components(bar, members).size() == 1)
          similarity = bar;
    groups.push_back({members, similarity, lowest_of(rows, members)});
  }
  std::sort(groups.begin(), groups.end(), [](const auto& x, const auto& y) {
    return x.similarity != y.similarity ? x.similarity > y.similarity : x.rows.front() < y.rows.front();
  });
  return groups;
}

void expect_equal(const std::vector<DuplicateGroup>& got, const std::vector<DuplicateGroup>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].rows, expected[i].rows);
    EXPECT_EQ(got[i].similarity, expected[i].similarity);
    EXPECT_NEAR(got[i].lowest, expected[i].lowest, 1e-6);
  }
}

TEST(NearDuplicates, EqualBruteForce) {
  for (const float spread : {0.02F, 0.1F, 0.3F}) {
    const auto rows = near_copies(160, 60, spread);
    for (const float threshold : {0.8F, 0.95F, 0.99F})
      expect_equal(near_duplicates(rows, threshold), brute_force(rows, threshold));
  }
}

TEST(NearDuplicates, EqualRowsAreOneGroup) {
  Matrix rows(5, 2);
  for (const std::size_t i : {0, 2, 4}) rows[i][0] = 1;
  for (const std::size_t i : {1, 3}) rows[i][1] = 1;
  const auto groups = near_duplicates(rows, 1.0F);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].rows, (std::vector<std::size_t>{0, 2, 4}));
  EXPECT_EQ(groups[1].rows, (std::vector<std::size_t>{1, 3}));
  EXPECT_EQ(groups[0].similarity, 1.0F);
}

TEST(NearDuplicates, AChainIsOneGroupAsStrongAsItsWeakestLink) {
  Matrix rows(4, 2);
  const double angles[] = {0, 0.1, 0.25, 1.5};
  for (std::size_t i = 0; i < 4; ++i) {
    rows[i][0] = static_cast<float>(std::cos(angles[i]));
    rows[i][1] = static_cast<float>(std::sin(angles[i]));
  }
  const auto groups = near_duplicates(rows, 0.98F);
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].rows, (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_EQ(groups[0].similarity, dot(rows[1], rows[2]));
}

// Far more pairs than are kept: several blocks of rows, and a forest that is cut down on the way.
TEST(NearDuplicates, ManyPairsStayExact) {
  const auto rows = near_copies(1700, 3, 0.05F);
  const auto groups = near_duplicates(rows, 0.9F);
  ASSERT_EQ(groups.size(), 3u);
  std::size_t members = 0;
  for (const auto& group : groups) {
    members += group.rows.size();
    EXPECT_TRUE(std::is_sorted(group.rows.begin(), group.rows.end()));
    // Prim's algorithm: the weakest link of the group's maximum spanning tree.
    std::vector<float> link(group.rows.size(), -2);
    std::vector<bool> in_tree(group.rows.size());
    float weakest = 2;
    std::size_t current = 0;
    for (std::size_t step = 1; step < group.rows.size(); ++step) {
      in_tree[current] = true;
      std::size_t next = 0;
      float best = -3;
      for (std::size_t i = 0; i < group.rows.size(); ++i) {
        if (in_tree[i]) continue;
        link[i] = std::max(link[i], dot(rows[group.rows[current]], rows[group.rows[i]]));
        if (link[i] > best) {
          best = link[i];
          next = i;
        }
      }
      weakest = std::min(weakest, best);
      current = next;
    }
    EXPECT_EQ(group.similarity, weakest);
  }
  EXPECT_EQ(members, 1700u);
}

// The definition: from the strongest pair to the weakest, two groups become one where all their pairs allow
// it.
TEST(NearDuplicates, CompleteGroupsHoldNoPairBelowTheThreshold) {
  for (const float spread : {0.05F, 0.15F, 0.3F}) {
    const auto rows = near_copies(150, 40, spread);
    for (const float threshold : {0.8F, 0.9F, 0.97F}) {
      const auto single = near_duplicates(rows, threshold),
                 complete = near_duplicates(rows, threshold, Linkage::complete);
      std::vector<std::size_t> single_of(rows.rows, rows.rows), complete_of(rows.rows, rows.rows);
      for (std::size_t i = 0; i < single.size(); ++i)
        for (const auto row : single[i].rows) single_of[row] = i;
      for (std::size_t i = 0; i < complete.size(); ++i) {
        EXPECT_GE(complete[i].lowest, threshold - 1e-6F);
        EXPECT_NEAR(complete[i].lowest, lowest_of(rows, complete[i].rows), 1e-6);
        EXPECT_GE(complete[i].similarity, complete[i].lowest - 1e-6F);
        for (const auto row : complete[i].rows) {
          EXPECT_EQ(complete_of[row], rows.rows) << "a row is in one group";
          complete_of[row] = i;
          EXPECT_EQ(single_of[row], single_of[complete[i].rows.front()]);
        }
      }
      for (const auto& group : single) {
        if (group.lowest < threshold) continue;
        for (const auto row : group.rows) EXPECT_EQ(complete_of[row], complete_of[group.rows.front()]);
        EXPECT_NE(complete_of[group.rows.front()], rows.rows) << "what is alike as a whole stays whole";
      }
    }
  }
}

TEST(NearDuplicates, AChainFallsApartIntoCompleteGroups) {
  Matrix rows(6, 2);
  for (std::size_t i = 0; i < 6; ++i) {
    const double angle = 0.1 * static_cast<double>(i) + 0.001 * static_cast<double>(i * i);
    rows[i][0] = static_cast<float>(std::cos(angle));
    rows[i][1] = static_cast<float>(std::sin(angle));
  }
  ASSERT_EQ(near_duplicates(rows, 0.99F).size(), 1u);
  EXPECT_LT(near_duplicates(rows, 0.99F)[0].lowest, 0.9F);
  const auto complete = near_duplicates(rows, 0.99F, Linkage::complete);
  ASSERT_EQ(complete.size(), 3u);
  for (const auto& group : complete) EXPECT_EQ(group.rows.size(), 2u);
  EXPECT_EQ(complete[0].rows, (std::vector<std::size_t>{0, 1}));
}

TEST(NearDuplicates, ThousandsOfCopiesAreOneCompleteGroup) {
  const auto rows = near_copies(3000, 1, 0);
  const auto groups = near_duplicates(rows, 0.9F, Linkage::complete);
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].rows.size(), 3000u);
  EXPECT_NEAR(groups[0].lowest, 1, 1e-6);
}

TEST(NearDuplicates, NothingAndNonsense) {
  EXPECT_TRUE(near_duplicates(Matrix(0, 8), 0.9F).empty());
  EXPECT_TRUE(near_duplicates(near_copies(1, 1, 0), 0.9F).empty());
  EXPECT_TRUE(near_duplicates(near_copies(50, 50, 0), 1.5F).empty());
  expect_error(ErrorCode::invalid_argument, "expected a threshold, got NaN",
               [&] { near_duplicates(near_copies(2, 1, 0), std::numeric_limits<float>::quiet_NaN()); });
}

}  // namespace beeld::testing
