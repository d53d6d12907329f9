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

/// Both parts of a row, each with room behind it that must stay as it is.
struct Parts {
  explicit Parts(std::int64_t length)
      : coarse(static_cast<std::size_t>(length) + 64, 77), fine(static_cast<std::size_t>(length) + 64, 77) {}
  operator QuantizedRow() { return {coarse.data(), fine.data()}; }

  std::vector<std::uint8_t> coarse, fine;
};

TEST(QuantizeRow, EqualsItsPlainDefinition) {
  for (const auto length : lengths) {
    const auto x = random_tensor<float>({length}, 1, 3);
    Parts fast(length), plain(length);
    const auto row = quantize_row(x.data(), length, fast);
    const auto expected = quantize_row_plain(x.data(), length, plain);
    EXPECT_EQ(row.scale, expected.scale);
    EXPECT_EQ(row.zero, expected.zero);
    for (std::size_t i = 0; i < fast.coarse.size(); ++i) {
      const auto value = [i](const Parts& q) { return q.coarse[i] + (q.fine[i] - fine_zero) / finer_steps; };
      EXPECT_NEAR(value(fast), value(plain), 1.01 / finer_steps) << length << ' ' << i;
      if (static_cast<std::int64_t>(i) < length) continue;
      EXPECT_EQ(fast.coarse[i], 77);
      EXPECT_EQ(fast.fine[i], 77);
    }
  }
}

TEST(QuantizeRow, IsOffByHalfAFineStepAtMostAndKeepsZero) {
  auto x = random_tensor<float>({1000}, 2, 5);
  x.data()[10] = 0;
  Parts q(1000);
  const auto row = quantize_row(x.data(), 1000, q);
  for (std::size_t i = 0; i < 1000; ++i) {
    const float value = row.scale * (q.coarse[i] - row.zero + (q.fine[i] - fine_zero) / finer_steps);
    EXPECT_NEAR(value, x.data()[i], row.scale / finer_steps * 0.6);
  }
  EXPECT_EQ(static_cast<float>(q.coarse[10]), row.zero);
  EXPECT_EQ(static_cast<float>(q.fine[10]), fine_zero);
}

TEST(QuantizeRow, GivesZerosForARowOfZerosAndNothingWildForInfinities) {
  const std::vector<float> zeros(20);
  Parts q(20);
  EXPECT_EQ(quantize_row(zeros.data(), 20, q).scale, 1);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(q.coarse[i], 0);
  const std::vector<float> wild(20, std::numeric_limits<float>::infinity());
  EXPECT_EQ(quantize_row(wild.data(), 20, q).scale, 1);
}

TEST(DequantizeRow, EqualsItsPlainDefinition) {
  for (const auto length : lengths) {
    const auto coarse = random_tensor<float>({length}, 1, 1000),
               fine = random_tensor<float>({length}, 5, 1000), scales = random_tensor<float>({length}, 2),
               sums = random_tensor<float>({length}, 3, 50), bias = random_tensor<float>({length}, 4);
    for (const float* rest : {fine.data(), static_cast<const float*>(nullptr)}) {
      const ColumnScales by{scales.data(), sums.data(), length % 2 ? bias.data() : nullptr};
      Tensor<float> fast({length}), plain({length});
      dequantize_row({coarse.data(), rest}, length, {0.01F, 100}, by, fast.data());
      dequantize_row_plain({coarse.data(), rest}, length, {0.01F, 100}, by, plain.data());
      EXPECT_LT(testing::difference(fast, plain), 1e-3) << length;
    }
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
