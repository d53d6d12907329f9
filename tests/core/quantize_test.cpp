#include "core/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/random.h"

namespace beeld {
namespace {

using testing::random_tensor;

const std::vector<std::int64_t> lengths{1, 2, 7, 8, 15, 16, 17, 33, 64, 197, 768};

TEST(QuantizeRow, EqualsItsPlainDefinition) {
  for (const auto length : lengths) {
    const auto x = random_tensor<float>({length}, 1, 3);
    std::vector<std::uint8_t> fast(static_cast<std::size_t>(length) + 64, 77), plain = fast;
    const auto row = quantize_row(x.data(), length, fast.data());
    const auto expected = quantize_row_plain(x.data(), length, plain.data());
    EXPECT_EQ(row.scale, expected.scale);
    EXPECT_EQ(row.zero, expected.zero);
    for (std::size_t i = 0; i < fast.size(); ++i) EXPECT_NEAR(fast[i], plain[i], 1) << length << ' ' << i;
    for (std::size_t i = static_cast<std::size_t>(length); i < fast.size(); ++i) EXPECT_EQ(fast[i], 77);
  }
}

TEST(QuantizeRow, IsOffByHalfAStepAtMostAndKeepsZero) {
  auto x = random_tensor<float>({1000}, 2, 5);
  x.data()[10] = 0;
  std::vector<std::uint8_t> q(1000);
  const auto row = quantize_row(x.data(), 1000, q.data());
  for (std::size_t i = 0; i < q.size(); ++i)
    EXPECT_NEAR(row.scale * (q[i] - row.zero), x.data()[i], row.scale * 0.5001 + 1e-6);
  EXPECT_EQ(static_cast<float>(q[10]), row.zero);
}

TEST(QuantizeRow, GivesZerosForARowOfZerosAndNothingWildForInfinities) {
  const std::vector<float> zeros(20);
  std::vector<std::uint8_t> q(20, 9);
  EXPECT_EQ(quantize_row(zeros.data(), 20, q.data()).scale, 1);
  for (const auto value : q) EXPECT_EQ(value, 0);
  const std::vector<float> wild(20, std::numeric_limits<float>::infinity());
  EXPECT_EQ(quantize_row(wild.data(), 20, q.data()).scale, 1);
}

TEST(DequantizeRow, EqualsItsPlainDefinition) {
  for (const auto length : lengths) {
    const auto products = random_tensor<float>({length}, 1, 1000), scales = random_tensor<float>({length}, 2),
               sums = random_tensor<float>({length}, 3, 50), bias = random_tensor<float>({length}, 4);
    const ColumnScales by{scales.data(), sums.data(), length % 2 ? bias.data() : nullptr};
    Tensor<float> fast({length}), plain({length});
    dequantize_row(products.data(), length, {0.01F, 100}, by, fast.data());
    dequantize_row_plain(products.data(), length, {0.01F, 100}, by, plain.data());
    EXPECT_LT(testing::difference(fast, plain), 1e-3) << length;
  }
}

TEST(WidenI8, KeepsEveryByte) {
  std::vector<std::int8_t> bytes(256);
  for (int i = 0; i < 256; ++i) bytes[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(i - 128);
  for (const std::int64_t count : {0, 1, 15, 16, 255, 256}) {
    std::vector<float> wide(257, 0.5F);
    widen_i8(bytes.data(), count, wide.data());
    for (std::int64_t i = 0; i < count; ++i)
      EXPECT_EQ(wide[static_cast<std::size_t>(i)], static_cast<float>(i - 128));
    EXPECT_EQ(wide[static_cast<std::size_t>(count)], 0.5F);
  }
}

}  // namespace
}  // namespace beeld
