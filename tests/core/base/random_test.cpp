#include "core/base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

namespace beeld {
namespace {

TEST(Random, EqualsThePublishedSplitMix64) {
  Random random(1234567);
  for (const std::uint64_t expected : {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                       4593380528125082431u, 16408922859458223821u})
    EXPECT_EQ(random.next(), expected);
}

TEST(Random, UniformFillsTheUnitInterval) {
  Random random(7);
  std::vector<int> counts(10);
  for (int i = 0; i < 100000; ++i) {
    const double value = random.uniform();
    ASSERT_GE(value, 0);
    ASSERT_LT(value, 1);
    ++counts[static_cast<std::size_t>(value * 10)];
  }
  for (const int count : counts) EXPECT_NEAR(count, 10000, 500);  // five standard deviations
}

TEST(Random, BelowIsUniformAndBelow) {
  Random random(8);
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts.at(random.below(7));
  for (const int count : counts) EXPECT_NEAR(count, 10000, 500);
  EXPECT_EQ(random.below(1), 0u);
  // With this bound a plain remainder would give values below 2^62 twice as often as those above.
  const std::uint64_t bound = std::uint64_t{3} << 62;
  int low = 0;
  for (int i = 0; i < 30000; ++i) low += random.below(bound) < bound / 3 ? 1 : 0;
  EXPECT_NEAR(low, 10000, 500);
}

TEST(Random, NormalHasTheMomentsOfANormal) {
  Random random(9);
  constexpr int count = 200000;
  double sum = 0;
  double squares = 0;
  double fourths = 0;
  for (int i = 0; i < count; ++i) {
    const double value = random.normal();
    sum += value;
    squares += value * value;
    fourths += value * value * value * value;
  }
  EXPECT_NEAR(sum / count, 0, 0.012);
  EXPECT_NEAR(squares / count, 1, 0.016);
  EXPECT_NEAR(fourths / count, 3, 0.11);
}

TEST(Random, MixTellsEveryStreamApart) {
  std::set<std::uint64_t> seeds;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    seeds.insert(mix(seed));
    for (std::uint64_t a = 0; a < 20; ++a) {
      seeds.insert(mix(seed, a));
      for (std::uint64_t b = 0; b < 20; ++b) seeds.insert(mix(seed, a, b));
    }
  }
  EXPECT_EQ(seeds.size(), 10u + 10 * 20 + 10 * 20 * 20);
  EXPECT_NE(mix(1, 2, 3), mix(1, 3, 2));
}

TEST(Random, ShuffleGivesEveryOrderEquallyOften) {
  Random random(10);
  std::vector<int> counts(6);
  for (int i = 0; i < 60000; ++i) {
    std::vector<int> order{0, 1, 2};
    shuffle(order, random);
    ++counts.at(order[0] * 2 + (order[1] > order[2] ? 1 : 0));
    std::ranges::sort(order);
    ASSERT_EQ(order, (std::vector<int>{0, 1, 2}));
  }
  for (const int count : counts) EXPECT_NEAR(count, 10000, 500);
}

}  // namespace
}  // namespace beeld
