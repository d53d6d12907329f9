#include <beeld/error.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/ops/activation.h"
#include "core/ops/norm.h"
#include "core/ops/rows.h"
#include "core/transformer/rotary.h"
#include "tests/support/expect_error.h"
#include "tests/support/random.h"

namespace beeld {
namespace {

using testing::random_tensor;

TEST(Activations, HaveTheirKnownValues) {
  const double x = 1.3;
  EXPECT_NEAR(activate(x, Activation::gelu), x * 0.5 * std::erfc(-x / std::sqrt(2.0)), 1e-15);
  EXPECT_NEAR(activate(1.0, Activation::gelu), 0.8413447460685429, 1e-15);
  EXPECT_NEAR(activate(1.0, Activation::gelu_tanh), 0.8411919906082768, 1e-15);
  EXPECT_NEAR(activate(1.0, Activation::quick_gelu), 1 / (1 + std::exp(-1.702)), 1e-15);
  EXPECT_NEAR(activate(1.0, Activation::silu), 0.7310585786300049, 1e-15);
  EXPECT_NEAR(activate(1.0, Activation::tanh), 0.7615941559557649, 1e-15);
  EXPECT_EQ(activate(-2.0, Activation::relu), 0);
  EXPECT_EQ(activate(-2.0, Activation::identity), -2);
}

TEST(Gather, TakesRowsInOrderAndRefusesOthers) {
  const auto table = random_tensor<float>({4, 3}, 1);
  Pass<float> pass;
  const std::vector<std::int64_t> ids{2, 0, 2};
  const auto y = gather<float>(table, ids, pass);
  EXPECT_EQ(y.shape(), (Shape{3, 3}));
  for (int j = 0; j < 3; ++j) EXPECT_EQ(y.row(2)[j], table.row(2)[j]);
  for (const std::int64_t wrong : {-1, 4}) {
    const std::vector<std::int64_t> bad{wrong};
    testing::expect_error(ErrorCode::invalid_argument, "of a table of 4",
                          [&] { gather<float>(table, bad, pass); });
  }
}

TEST(MeanRows, LeavesOutTheFirstOnes) {
  const auto x = random_tensor<double>({5, 2}, 1);
  Pass<double> pass;
  Sequences sequences;
  sequences.append(3);
  sequences.append(2);
  const auto mean = mean_rows(x, sequences, 1, pass);
  EXPECT_DOUBLE_EQ(mean.row(0)[1], (x.row(1)[1] + x.row(2)[1]) / 2);
  EXPECT_DOUBLE_EQ(mean.row(1)[0], x.row(4)[0]);
}

TEST(MaxRows, LeavesOutTheFirstOnesAndTakesEachChannelsLargest) {
  Tensor<double> x({5, 2});
  const double values[] = {9, 9, -3, 2, -1, -4, 7, 7, -8, -6};
  std::copy_n(values, 10, x.data());
  Pass<double> pass;
  Sequences sequences;
  sequences.append(3);
  sequences.append(2);
  const auto largest = max_rows(x, sequences, 1, pass);
  EXPECT_EQ(std::vector<double>(largest.data(), largest.data() + 4), (std::vector<double>{-1, 2, -8, -6}));
}

TEST(NormHeads, NormsEachHeadByItselfAndLeavesTheRest) {
  Tensor<double> x({1, 5});
  const double values[] = {1, 3, -4, 0, 7};  // heads (1, 3) and (-4, 0)
  std::copy_n(values, 5, x.data());
  Norm<double> weights{
      .kind = NormKind::layer, .eps = 0, .gain = Tensor<double>({2}), .bias = Tensor<double>({2})};
  weights.gain.data()[0] = 2;
  weights.gain.data()[1] = 3;
  weights.bias.data()[0] = 10;
  weights.bias.data()[1] = 20;
  Pass<double> pass;
  const auto y = norm_heads(x, weights, 2, pass);
  EXPECT_EQ(std::vector<double>(y.data(), y.data() + 5), (std::vector<double>{8, 23, 8, 23, 7}));
  testing::expect_error(ErrorCode::invalid_argument, "3 heads of 2 in rows [1,5]",
                        [&] { norm_heads(x, weights, 3, pass); });
}

// What rotary positions are for: q.k depends on how far apart the two tokens are, not on where they stand.
TEST(Rotary, MakesProductsDependOnDistanceAlone) {
  const auto row = random_tensor<double>({1, 8}, 1), other = random_tensor<double>({1, 8}, 2);
  constexpr std::int64_t tokens = 12;
  Tensor<double> q({tokens, 8}), k({tokens, 8});
  for (std::int64_t t = 0; t < tokens; ++t) {
    std::copy_n(row.data(), 8, q.row(t));
    std::copy_n(other.data(), 8, k.row(t));
  }
  Pass<double> pass;
  const auto angles = rotation<double>(Sequences::equal(1, tokens), rotary_frequencies({.width = 4}));
  q = rotate(q, angles, {.heads = 2, .width = 4}, pass);
  k = rotate(k, angles, {.heads = 2, .width = 4}, pass);
  const auto score = [&](std::int64_t i, std::int64_t j) {
    double sum = 0;
    for (int c = 0; c < 4; ++c) sum += q.row(i)[c] * k.row(j)[c];
    return sum;
  };
  EXPECT_NEAR(score(3, 1), score(11, 9), 1e-12);
  EXPECT_NEAR(score(0, 5), score(6, 11), 1e-12);
  EXPECT_GT(std::abs(score(0, 0) - score(0, 5)), 1e-3);
  for (int c = 0; c < 8; ++c) EXPECT_EQ(q.row(0)[c], row.data()[c]);
}

TEST(Tensor, SlicesShareAndClonesDoNot) {
  auto x = random_tensor<float>({4, 2}, 1);
  auto part = x.slice(1, 3);
  auto copy = x.clone();
  part.row(0)[0] = 7;
  EXPECT_EQ(x.row(1)[0], 7);
  EXPECT_NE(copy.row(1)[0], 7);
  EXPECT_FALSE(x.unique());
  EXPECT_TRUE(copy.unique());
  testing::expect_error(ErrorCode::invalid_argument, "[slice] rows 3 to 5 of ", [&] { x.slice(3, 5); });
  testing::expect_error(ErrorCode::invalid_argument, "[reshape] ", [&] { x.reshape({3, 3}); });
}

}  // namespace
}  // namespace beeld
