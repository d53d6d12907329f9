#include <beeld/error.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>
#include <string>
#include <string_view>

#include "core/ops/relative_bias.h"
#include "core/transformer/rotary.h"
#include "core/transformer/sinusoids.h"
#include "tests/support/expect_error.h"
#include "tests/support/random.h"

namespace beeld {
namespace {

using testing::expect_error;
using testing::random_tensor;

Tensor<double> row_of(std::initializer_list<double> values) {
  Tensor<double> row({1, static_cast<std::int64_t>(values.size())});
  std::copy(values.begin(), values.end(), row.data());
  return row;
}

void expect_row(const Tensor<double>& x, std::int64_t row, const std::vector<double>& expected) {
  ASSERT_EQ(x.columns(), static_cast<std::int64_t>(expected.size()));
  for (std::size_t j = 0; j < expected.size(); ++j) EXPECT_NEAR(x.row(row)[j], expected[j], 1e-12) << j;
}

void expect_values(const std::vector<double>& values, const std::vector<double>& expected) {
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], 1e-12) << i;
}

TEST(Sequences, KnowWhereTheirRowsStand) {
  Sequences sequences;
  sequences.append(3, 500);
  sequences.append(2);
  EXPECT_EQ(sequences.rows(), 5);
  EXPECT_EQ(sequences.positions(), 503);
  EXPECT_EQ(sequences.first_rows(), (std::vector<std::int64_t>{0, 3}));
  const auto single = sequences.single(std::vector<std::int64_t>{2, 3});
  EXPECT_EQ(single[0].first, 502);
  EXPECT_EQ(single[1].first, 0);
  EXPECT_EQ(single[1].begin, 1);
  const auto gathered = sequences.gather(std::vector<std::int64_t>{1, 1, 0});
  EXPECT_EQ(gathered.rows(), 5);
  EXPECT_EQ(gathered[1].begin, 3);
  EXPECT_EQ(gathered[2].next(), 503);
  for (const std::int64_t wrong : {-1, 2}) {
    expect_error(ErrorCode::invalid_argument, "sequence " + std::to_string(wrong) + " of 2",
                 [&] { sequences.gather(std::vector<std::int64_t>{wrong}); });
  }
}

// A quarter turn of the first pair, none of the second: (a, b) becomes (-b, a).
TEST(Rotary, TurnsThePairsOfEitherOrder) {
  const Rotation<double> quarter{row_of({0, 1}), row_of({1, 0})};
  Pass<double> pass;
  const auto x = row_of({1, 2, 3, 4, 5});
  expect_row(rotate(x, quarter, {1, 4, RotaryPairs::half_split}, pass), 0, {-3, 2, 1, 4, 5});
  expect_row(rotate(x, quarter, {1, 4, RotaryPairs::interleaved}, pass), 0, {-2, 1, 3, 4, 5});
}

TEST(Rotary, LeavesTheRestOfAHeadAlone) {
  const Rotation<double> quarter{row_of({0}), row_of({1})};
  Pass<double> pass;
  const auto x = row_of({1, 2, 3, 4, 5, 6});
  expect_row(rotate(x, quarter, {2, 3, RotaryPairs::half_split}, pass), 0, {-2, 1, 3, -5, 4, 6});
}

TEST(Rotary, CountsPositionsFromTheFirst) {
  Sequences sequences;
  sequences.append(2, 500);
  sequences.append(1);
  const auto angles = rotation<double>(sequences, rotary_frequencies({.width = 4}));
  expect_row(angles.cosines, 0, {std::cos(500), std::cos(5)});
  expect_row(angles.sines, 1, {std::sin(501), std::sin(5.01)});
  expect_row(angles.cosines, 2, {1, 1});
}

TEST(Rotary, RefusesAnglesThatDoNotFit) {
  Pass<double> pass;
  const auto x = random_tensor<double>({2, 8}, 1);
  const Rotation<double> angles{random_tensor<double>({2, 2}, 2), random_tensor<double>({2, 2}, 3)};
  EXPECT_NO_THROW(rotate(x, angles, {2, 4}, pass));
  expect_error(ErrorCode::invalid_argument, "angles [2,2] do not fit rows [2,8] with 2 heads of 3", [&] {
    rotate(x, angles, {2, 3}, pass);
  });
  expect_error(ErrorCode::invalid_argument, "angles [2,2] do not fit rows [2,8] with 3 heads of 4", [&] {
    rotate(x, angles, {3, 4}, pass);
  });
  expect_error(ErrorCode::invalid_argument, "angles [2,2] do not fit rows [3,8] with 2 heads of 4", [&] {
    rotate(random_tensor<double>({3, 8}, 1), angles, {2, 4}, pass);
  });
}

TEST(RotaryFrequencies, FallFromOneToTheBase) {
  expect_values(rotary_frequencies({.width = 4}).inverse, {1, 0.01});
  expect_values(rotary_frequencies({.width = 8}).inverse, {1, 0.1, 0.01, 0.001});
  expect_values(rotary_frequencies({.width = 4, .base = 1e6}).inverse, {1, 0.001});
  RotaryConfig part;
  part.width = 2;
  expect_values(rotary_frequencies(part, 8, 1).inverse, {1});
}

TEST(RotaryFrequencies, ScaleLinearly) {
  RotaryConfig config;
  config.scaling = RotaryScaling::linear;
  config.factor = 4;
  expect_values(rotary_frequencies(config, 4, 1).inverse, {0.25, 0.0025});
}

// Twice the length with factor 2: the base times (2 * 2 - 1)^(4 / 2) = 9.
TEST(RotaryFrequencies, ScaleDynamically) {
  RotaryConfig config;
  config.scaling = RotaryScaling::dynamic;
  config.factor = 2;
  config.original_length = 8;
  expect_values(rotary_frequencies(config, 4, 8).inverse, {1, 0.01});
  expect_values(rotary_frequencies(config, 4, 16).inverse, {1, 1.0 / 300});
}

// In 1257 positions, 200 times 2 pi, the four pairs turn 200, 20, 2 and 0.2 times: the last one is too slow
// to have been learned, and the third stands a third of the way from one turn to four.
TEST(RotaryFrequencies, ScaleByWavelength) {
  RotaryConfig config;
  config.scaling = RotaryScaling::by_wavelength;
  config.factor = 8;
  config.original_length = 1257;
  const double share = (1257 * 0.01 / (2 * std::numbers::pi) - 1) / 3;
  EXPECT_NEAR(share, 1.0 / 3, 1e-3);
  expect_values(rotary_frequencies(config, 8, 1).inverse,
                {1, 0.1, 0.01 * ((1 - share) / 8 + share), 0.001 / 8});
}

TEST(RotaryFrequencies, ScaleByTwoLists) {
  RotaryConfig config;
  config.scaling = RotaryScaling::longrope;
  config.original_length = 8;
  config.short_factors = {1, 2};
  config.long_factors = {4, 8};
  config.attention_factor = longrope_attention_factor(16, 4096);  // sqrt(1 + 4 / 12)
  EXPECT_NEAR(config.attention_factor, std::sqrt(4.0 / 3), 1e-12);
  EXPECT_EQ(longrope_attention_factor(1, 4096), 1);
  const auto near = rotary_frequencies(config, 4, 8), far = rotary_frequencies(config, 4, 9);
  expect_values(near.inverse, {1, 0.005});
  expect_values(far.inverse, {0.25, 0.00125});
  const auto angles = rotation<double>(Sequences::equal(1, 2), far);
  expect_row(angles.cosines, 1,
             {std::sqrt(4.0 / 3) * std::cos(0.25), std::sqrt(4.0 / 3) * std::cos(0.00125)});
  expect_row(angles.sines, 0, {0, 0});
}

TEST(RotaryFrequencies, RefuseWhatHasNone) {
  const auto refused = [](std::string_view part, const std::function<void(RotaryConfig&)>& change) {
    RotaryConfig config;
    change(config);
    expect_error(ErrorCode::invalid_argument, part, [&] { rotary_frequencies(config, 4, 1); });
  };
  refused("an even number of channels turns, not 3", [](RotaryConfig& c) { c.width = 3; });
  refused("6 channels cannot turn in heads of 4", [](RotaryConfig& c) { c.width = 6; });
  refused("a base of 0", [](RotaryConfig& c) { c.base = 0; });
  refused("the original length, got 0", [](RotaryConfig& c) { c.scaling = RotaryScaling::dynamic; });
  refused("a scaling factor of 0", [](RotaryConfig& c) {
    c.scaling = RotaryScaling::linear;
    c.factor = 0;
  });
  refused("1 factors for 2 pairs", [](RotaryConfig& c) {
    c.scaling = RotaryScaling::longrope;
    c.original_length = 8;
    c.short_factors = {1, 2};
    c.long_factors = {1};
  });
}

// A grid of 2 x 4 read as one of 16 x 16: its second row stands at 8, its columns at 0, 4, 8 and 12.
TEST(RotaryPlaces, FollowAGridOfAnotherSize) {
  const auto places = grid_places(2, 4, 16);
  ASSERT_EQ(places.size(), 8U);
  EXPECT_EQ(places[5].row, 8);
  EXPECT_EQ(places[5].column, 4);
  const auto angles = rotation<double>(places, rotary_frequencies({.width = 4}));  // heads of 8
  expect_row(angles.cosines, 5, {std::cos(8), std::cos(0.08), std::cos(4), std::cos(0.04)});
  expect_row(angles.sines, 3, {0, 0, std::sin(12), std::sin(0.12)});
}

// The middles of the cells of a 2 x 2 grid are at -1/2 and 1/2 of a square from -1 to 1: half a turn.
TEST(RotaryPlaces, AreCentered) {
  constexpr double pi = std::numbers::pi;
  auto places = centered_grid_places(2, 2);
  places.insert(places.begin(), RotaryPlace{});  // a class token is not turned
  const auto angles = rotation<double>(places, rotary_frequencies({.width = 4, .base = 100}));
  expect_row(angles.cosines, 0, {1, 1, 1, 1});
  expect_row(angles.sines, 0, {0, 0, 0, 0});
  expect_row(angles.cosines, 2, {-1, std::cos(0.1 * pi), -1, std::cos(0.1 * pi)});
  expect_row(angles.sines, 2, {0, -std::sin(0.1 * pi), 0, std::sin(0.1 * pi)});
}

TEST(Sinusoids, StandInEitherOrder) {
  const auto pairs = sinusoids<double>(3, 4, SinusoidOrder::interleaved);
  expect_row(pairs, 0, {0, 1, 0, 1});
  expect_row(pairs, 2, {std::sin(2), std::cos(2), std::sin(0.02), std::cos(0.02)});
  const auto halves = sinusoids<double>(3, 4, SinusoidOrder::halves);
  expect_row(halves, 2, {std::sin(2), std::sin(0.02), std::cos(2), std::cos(0.02)});
  expect_error(ErrorCode::invalid_argument, "an even width, not 5",
               [] { sinusoids<double>(3, 5, SinusoidOrder::halves); });
}

std::vector<std::int64_t> buckets_of(const RelativeBuckets& buckets,
                                     const std::vector<std::int64_t>& distances) {
  std::vector<std::int64_t> result;
  for (const auto distance : distances) result.push_back(bucket_of(distance, buckets));
  return result;
}

// Four buckets a side: 0 and 1 alone, then 2 to 5, and from 2 * 8^(1/2) = 5.7 on the last one.
TEST(RelativeBias, HasBucketsOnBothSides) {
  const RelativeBuckets few{.count = 8, .farthest = 16};
  EXPECT_EQ(buckets_of(few, {0, -1, -2, -5, -6, -16, -1000, 1, 2, 5, 6, 1000}),
            (std::vector<std::int64_t>{0, 1, 2, 2, 3, 3, 3, 5, 6, 6, 7, 7}));
  // The published 32 up to 128: each doubling from 8 on takes two of them.
  EXPECT_EQ(buckets_of({}, {-7, -8, -11, -12, -16, -32, -64, -128, 1, 7, 8, 16, 128}),
            (std::vector<std::int64_t>{7, 8, 8, 9, 10, 12, 14, 15, 17, 23, 24, 26, 31}));
}

TEST(RelativeBias, HasBucketsBackwardAlone) {
  const RelativeBuckets backward{.sides = BucketSides::backward};
  EXPECT_EQ(buckets_of(backward, {5, 1, 0, -1, -15, -16, -32, -64, -127, -128, -500}),
            (std::vector<std::int64_t>{0, 0, 0, 1, 15, 16, 21, 26, 31, 31, 31}));
}

TEST(RelativeBias, HoldsEveryDistanceOnce) {
  const auto table = random_tensor<double>({8, 3}, 1);
  Sequences queries, keys;
  queries.append(2, 4);
  queries.append(0, 90);  // asks nothing
  keys.append(6);
  keys.append(3, 900);
  const auto distances = Distances::between(queries, keys);
  EXPECT_EQ(distances.lowest, -5);
  EXPECT_EQ(distances.highest, 1);
  Pass<double> pass;
  const RelativeBuckets buckets{.count = 8, .farthest = 16};
  const auto bias = relative_bias(table, buckets, distances, pass);
  EXPECT_EQ(bias.values.shape(), (Shape{3, 7}));
  EXPECT_EQ(bias.lowest, -5);
  for (std::int64_t i = 0; i < 7; ++i)
    EXPECT_EQ(bias.values.row(2)[i], table.row(bucket_of(i - 5, buckets))[2]);
  expect_error(ErrorCode::invalid_argument, "a table of [8,3] for 32 buckets",
               [&] { relative_bias(table, {}, distances, pass); });
  expect_error(ErrorCode::invalid_argument, "for 8 buckets up to distance 4",
               [&] { relative_bias(table, {.count = 8, .farthest = 4}, distances, pass); });
}

}  // namespace
}  // namespace beeld
