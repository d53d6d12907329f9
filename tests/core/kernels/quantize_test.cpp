#include "core/kernels/quantize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/random.h"

namespace beeld {
namespace {

using testing::random_tensor;

const std::vector<std::int64_t> lengths{1, 2, 7, 8, 15, 16, 17, 33, 64, 197, 768};

double dot(const Tensor<float>& a, const Tensor<float>& b) {
  double sum = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a.data()[i]) * b.data()[i];
  return sum;
}

TEST(RotateRow, EqualsItsPlainDefinition) {
  for (const auto length : lengths) {
    const auto x = random_tensor<float>({length}, 1, 3);
    Tensor<float> fast({length}), plain({length});
    rotate_row(x.data(), length, fast.data());
    rotate_row_plain(x.data(), length, plain.data());
    EXPECT_LT(testing::difference(fast, plain), 1e-5) << length;
    rotate_row(plain.data(), length, plain.data());  // in place
    rotate_row(fast.data(), length, fast.data());
    EXPECT_LT(testing::difference(fast, plain), 1e-5) << length;
  }
}

TEST(RotateRow, KeepsProducts) {
  for (const auto length : lengths) {
    auto x = random_tensor<float>({length}, 1), y = random_tensor<float>({length}, 2);
    const double before = dot(x, y);
    rotate_row(x.data(), length, x.data());
    rotate_row(y.data(), length, y.data());
    EXPECT_NEAR(dot(x, y), before, 1e-4 * std::sqrt(static_cast<double>(length))) << length;
  }
}

TEST(RotateRow, SpreadsAnOutlierAndAnOffsetEvenly) {
  Tensor<float> outlier = Tensor<float>::zeros({rotation_group}), offset({rotation_group});
  outlier.data()[5] = 8;
  std::fill_n(offset.data(), rotation_group, 8.0F);
  for (auto* x : {&outlier, &offset}) {
    const double length = std::sqrt(dot(*x, *x));
    rotate_row(x->data(), rotation_group, x->data());
    for (std::int64_t i = 0; i < rotation_group; ++i) EXPECT_NEAR(std::fabs(x->data()[i]), length / 8, 1e-5);
  }
}

template <class Value>
class QuantizeRow : public ::testing::Test {};

using RowValues = ::testing::Types<std::uint8_t, std::int16_t>;
TYPED_TEST_SUITE(QuantizeRow, RowValues);

TYPED_TEST(QuantizeRow, EqualsItsPlainDefinition) {
  for (const auto length : lengths) {
    const auto x = random_tensor<float>({length}, 1, 3);
    // Room behind them must stay as it is.
    std::vector<TypeParam> fast(static_cast<std::size_t>(length) + 64, 77), plain = fast;
    const auto row = quantize_row(x.data(), length, fast.data());
    const auto expected = quantize_row_plain(x.data(), length, plain.data());
    EXPECT_EQ(row.scale, expected.scale);
    EXPECT_EQ(row.zero, expected.zero);
    for (std::size_t i = 0; i < fast.size(); ++i) EXPECT_NEAR(fast[i], plain[i], 1) << length << ' ' << i;
    for (auto i = static_cast<std::size_t>(length); i < fast.size(); ++i) EXPECT_EQ(fast[i], 77);
  }
}

TYPED_TEST(QuantizeRow, IsOffByHalfAStepAtMostAndKeepsZero) {
  auto x = random_tensor<float>({1000}, 2, 5);
  x.data()[10] = 0;
  std::vector<TypeParam> q(1000);
  const auto row = quantize_row(x.data(), 1000, q.data());
  for (std::size_t i = 0; i < 1000; ++i)
    EXPECT_NEAR(row.scale * (static_cast<float>(q[i]) - row.zero), x.data()[i], row.scale * 0.501);
  EXPECT_EQ(static_cast<float>(q[10]), row.zero);
}

TYPED_TEST(QuantizeRow, GivesZerosForARowOfZerosAndNothingWildForInfinities) {
  const std::vector<float> zeros(20);
  std::vector<TypeParam> q(20, 5);
  EXPECT_EQ(quantize_row(zeros.data(), 20, q.data()).scale, 1);
  for (const auto value : q) EXPECT_EQ(value, 0);
  const std::vector<float> wild(20, std::numeric_limits<float>::infinity());
  EXPECT_EQ(quantize_row(wild.data(), 20, q.data()).scale, 1);
}

TEST(QuantizeWideRow, LeavesRoomForTheSumOfItsProducts) {
  for (const std::int64_t length : {1, 516, 517, 3072, 100000}) {
    for (const float value : {7.0F, std::numeric_limits<float>::infinity()}) {
      const std::vector<float> x(static_cast<std::size_t>(length), value);
      std::vector<std::int16_t> q(x.size());
      quantize_row(x.data(), length, q.data());
      EXPECT_GT(q[0], 126);
      EXPECT_LE(length * q[0] * 127, std::numeric_limits<std::int32_t>::max());
    }
  }
}

TEST(QuantizeWeights, IsOffByHalfAStepAtMost) {
  const auto weight = random_tensor<float>({300}, 3, 0.1);
  std::vector<std::int8_t> q(300);
  const float scale = quantize_weights(weight.data(), 300, q.data());
  for (std::size_t i = 0; i < 300; ++i) EXPECT_NEAR(scale * q[i], weight.data()[i], scale * 0.501);
  EXPECT_EQ(
      *std::max_element(q.begin(), q.end(), [](int a, int b) { return std::abs(a) < std::abs(b); }) % 127, 0);
  const std::vector<float> zeros(300);
  EXPECT_EQ(quantize_weights(zeros.data(), 300, q.data()), 1);
}

}  // namespace
}  // namespace beeld
