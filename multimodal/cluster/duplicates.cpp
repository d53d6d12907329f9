#include <beeld/cluster.h>
#include <beeld/error.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <mutex>
#include <numeric>
#include <tuple>
#include <utility>

#include "core/base/parallel.h"
#include "core/kernels/product.h"

namespace beeld {

namespace {

constexpr std::int64_t block_rows = 512;

struct Pair {
  std::uint32_t a, b;
  float cosine;
};

class UnionFind {
 public:
  explicit UnionFind(std::size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), 0U); }

  std::uint32_t find(std::uint32_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }

  /// False where both are in one set already.
  bool join(std::uint32_t a, std::uint32_t b) {
    a = find(a);
    b = find(b);
    parent_[std::max(a, b)] = std::min(a, b);
    return a != b;
  }

 private:
  std::vector<std::uint32_t> parent_;
};

/// The maximum spanning forest of all pairs added so far (Kruskal). Pairs that close a circle are dropped now
/// and then, which changes neither the forest nor that of any larger set of pairs: memory stays linear in
/// the number of rows however many pairs there are.
class SpanningForest {
 public:
  explicit SpanningForest(std::size_t rows) : rows_(rows), limit_(4 * rows + 65536) {}

  void add(const std::vector<Pair>& pairs) {
    pairs_.insert(pairs_.end(), pairs.begin(), pairs.end());
    if (pairs_.size() > limit_) reduce();
  }

  const std::vector<Pair>& reduce() {
    std::sort(pairs_.begin(), pairs_.end(), [](const Pair& x, const Pair& y) {
      return x.cosine != y.cosine ? x.cosine > y.cosine : std::pair(x.a, x.b) < std::pair(y.a, y.b);
    });
    UnionFind sets(rows_);
    std::erase_if(pairs_, [&](const Pair& pair) { return !sets.join(pair.a, pair.b); });
    return pairs_;
  }

 private:
  std::size_t rows_;
  std::size_t limit_;
  std::vector<Pair> pairs_;
};

struct Block {
  std::int64_t begin, rows;
};

/// Pairs (a, b) with a < b, a in one block and b in the other, that reach the threshold. A float32 product
/// finds what may, the exact one decides.
std::vector<Pair> find_pairs(const Matrix& rows, Block x, Block y, float threshold) {
  std::vector<Pair> pairs;
  const auto width = static_cast<std::int64_t>(rows.columns);
  std::vector<float> cosines(static_cast<std::size_t>(x.rows * y.rows));
  product<float>({x.rows, y.rows, width}, {}, {rows.values.data() + x.begin * width, width},
                 {rows.values.data() + y.begin * width, width, Layout::transposed}, {cosines.data(), y.rows});
  const float possible = threshold - static_cast<float>(width + 16) * 0x1p-22F;
  for (std::int64_t i = 0; i < x.rows; ++i) {
    const auto a = x.begin + i;
    for (std::int64_t j = std::max<std::int64_t>(0, a + 1 - y.begin); j < y.rows; ++j) {
      if (cosines[static_cast<std::size_t>(i * y.rows + j)] < possible) continue;
      const auto b = y.begin + j;
      const float cosine = dot(rows[static_cast<std::size_t>(a)], rows[static_cast<std::size_t>(b)]);
      if (cosine >= threshold)
        pairs.push_back({static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b), cosine});
    }
  }
  return pairs;
}

/// Sets of rows that grow only where the cosines of all their pairs reach the threshold.
class CompleteSets {
 public:
  CompleteSets(const Matrix& rows, float threshold)
      : rows_(rows), threshold_(threshold), sets_(rows.rows), members_(rows.rows), radius_(rows.rows) {
    for (std::uint32_t i = 0; i < members_.size(); ++i) members_[i] = {i};
  }

  /// Joins the sets of both rows of a pair; false where they stay apart.
  bool join(const Pair& pair) {
    auto a = sets_.find(pair.a), b = sets_.find(pair.b);
    const double between = angle(members_[a].front(), members_[b].front());
    if (!are_close(between + radius_[a] + radius_[b]) && !all_reach(members_[a], members_[b])) return false;
    if (members_[a].size() < members_[b].size()) std::swap(a, b);
    auto joined = std::move(members_[a]);
    joined.insert(joined.end(), members_[b].begin(), members_[b].end());
    const double radius = std::max(radius_[a], between + radius_[b]);
    members_[b] = {};
    sets_.join(a, b);
    const auto set = sets_.find(a);
    members_[set] = std::move(joined);
    radius_[set] = radius;
    return true;
  }

 private:
  double angle(std::uint32_t a, std::uint32_t b) const {
    return std::acos(std::clamp(static_cast<double>(dot(rows_[a], rows_[b])), -1.0, 1.0));
  }

  // Angles on a sphere obey the triangle inequality: thousands of copies need no comparison of their pairs.
  // The margin is far above what rounding makes of an angle.
  bool are_close(double largest_angle) const {
    constexpr double margin = 1e-2;
    return threshold_ < 1 && largest_angle + margin <= std::acos(std::max(threshold_, -1.0F));
  }

  bool all_reach(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b) const {
    for (const auto i : a)
      for (const auto j : b)
        if (!(dot(rows_[i], rows_[j]) >= threshold_)) return false;
    return true;
  }

  const Matrix& rows_;
  float threshold_;
  UnionFind sets_;
  std::vector<std::vector<std::uint32_t>> members_;  // of each set, at its first row; the centre in front
  std::vector<double> radius_;                       // no member is farther from the centre, as an angle
};

/// The cosine of the least alike pair. A float32 product finds it, the exact one is its cosine.
float lowest_cosine(const Matrix& rows, const std::vector<std::size_t>& group) {
  Matrix own(group.size(), rows.columns);
  for (std::size_t i = 0; i < group.size(); ++i)
    std::copy_n(rows[group[i]].begin(), rows.columns, own[i].begin());
  const auto count = static_cast<std::int64_t>(group.size()), width = static_cast<std::int64_t>(rows.columns);
  const auto blocks = (count + block_rows - 1) / block_rows;
  Pair lowest{0, 1, 2};
  std::mutex mutex;
  parallel_for(blocks, 1, [&](std::int64_t first, std::int64_t last) {
    std::vector<float> cosines(static_cast<std::size_t>(block_rows * block_rows));
    Pair mine{0, 1, 2};
    for (auto x = first * block_rows; x < std::min(last * block_rows, count); x += block_rows) {
      for (auto y = x; y < count; y += block_rows) {
        const auto m = std::min(block_rows, count - x), n = std::min(block_rows, count - y);
        product<float>({m, n, width}, {}, {own.values.data() + x * width, width},
                       {own.values.data() + y * width, width, Layout::transposed}, {cosines.data(), n});
        for (std::int64_t i = 0; i < m; ++i) {
          for (auto j = std::max<std::int64_t>(0, x + i + 1 - y); j < n; ++j) {
            const float cosine = cosines[static_cast<std::size_t>(i * n + j)];
            if (cosine < mine.cosine)
              mine = {static_cast<std::uint32_t>(x + i), static_cast<std::uint32_t>(y + j), cosine};
          }
        }
      }
    }
    const std::lock_guard lock(mutex);
    const auto order = [](const Pair& pair) { return std::tuple(pair.cosine, pair.a, pair.b); };
    if (order(mine) < order(lowest)) lowest = mine;
  });
  return dot(own[lowest.a], own[lowest.b]);
}

std::vector<DuplicateGroup> groups_of(const std::vector<Pair>& forest, std::size_t rows) {
  UnionFind sets(rows);
  for (const auto& pair : forest) sets.join(pair.a, pair.b);
  std::map<std::uint32_t, DuplicateGroup> by_first;
  for (const auto& pair : forest) {
    auto& group = by_first.try_emplace(sets.find(pair.a), DuplicateGroup{{}, pair.cosine, 0}).first->second;
    group.similarity = std::min(group.similarity, pair.cosine);
  }
  for (std::uint32_t row = 0; row < rows; ++row) {
    const auto group = by_first.find(sets.find(row));
    if (group != by_first.end()) group->second.rows.push_back(row);
  }
  std::vector<DuplicateGroup> groups;
  groups.reserve(by_first.size());
  for (auto& [first, group] : by_first) groups.push_back(std::move(group));
  std::stable_sort(groups.begin(), groups.end(),
                   [](const auto& a, const auto& b) { return a.similarity > b.similarity; });
  return groups;
}

}  // namespace

std::vector<DuplicateGroup> near_duplicates(const Matrix& rows, float threshold, Linkage linkage) {
  if (std::isnan(threshold))
    throw Error(ErrorCode::invalid_argument, "[near_duplicates] expected a threshold, got NaN");
  if (rows.rows > UINT32_MAX)
    throw Error(ErrorCode::limit, "[near_duplicates] " + std::to_string(rows.rows) + " rows");

  const auto count = static_cast<std::int64_t>(rows.rows);
  const auto block_at = [&](std::int64_t i) {
    return Block{i * block_rows, std::min(block_rows, count - i * block_rows)};
  };
  const auto blocks = (count + block_rows - 1) / block_rows;
  SpanningForest forest(rows.rows);
  std::mutex mutex;
  for (std::int64_t i = 0; i < blocks; ++i) {
    parallel_for(blocks - i, 1, [&](std::int64_t begin, std::int64_t end) {
      for (auto j = begin; j < end; ++j) {
        const auto pairs = find_pairs(rows, block_at(i), block_at(i + j), threshold);
        const std::lock_guard lock(mutex);
        forest.add(pairs);
      }
    });
  }
  auto links = forest.reduce();
  if (linkage == Linkage::complete) {
    CompleteSets sets(rows, threshold);
    std::erase_if(links, [&](const Pair& pair) { return !sets.join(pair); });
  }
  auto groups = groups_of(links, rows.rows);
  for (auto& group : groups) group.lowest = lowest_cosine(rows, group.rows);
  return groups;
}

}  // namespace beeld
