#include "core/kernels/packed_matrix.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/kernels/byte_tile.h"
#include "core/ops/linear.h"
#include "tests/support/random.h"

namespace beeld {
namespace {

using testing::random_tensor;

constexpr WeightType types[] = {WeightType::f32, WeightType::f16, WeightType::bf16, WeightType::int8};

/// The length of the difference over the length of what is exact.
double relative_distance(const Tensor<float>& y, const Tensor<double>& exact) {
  double apart = 0, length = 0;
  for (std::int64_t i = 0; i < y.size(); ++i) {
    apart += std::pow(static_cast<double>(y.data()[i]) - exact.data()[i], 2);
    length += std::pow(exact.data()[i], 2);
  }
  return std::sqrt(apart / length);
}

/// What rounding normal values may cost.
double tolerance(WeightType type) {
  switch (type) {
    case WeightType::f32:
      return 1e-6;
    case WeightType::f16:
      return 3e-4;
    case WeightType::bf16:
      return 2e-3;
    case WeightType::int8:
      return 1.5e-2;  // both factors in steps of a 127th of about 3 standard deviations
  }
  return 0;
}

class HeldWeights : public ::testing::TestWithParam<WeightType> {};

TEST_P(HeldWeights, MultiplyAsThePlainOnes) {
  // Several blocks of rows and of K, a number of outputs that is no multiple of anything, small ones.
  for (const auto [m, n, k] :
       {ProductShape{50, 700, 640}, {3, 97, 33}, {1, 1, 1}, {70, 64, 2048}, {600, 40, 770}}) {
    for (const auto bias : {Bias::absent, Bias::present}) {
      Linear<float> plain;
      const auto weight = random_tensor<float>({n, k}, 1, 0.2);
      plain.weight = weight;
      if (bias == Bias::present) plain.bias = random_tensor<float>({n}, 2);
      const Linear<double> exact{.weight = testing::widened(weight), .bias = testing::widened(plain.bias)};
      auto packed = plain;
      pack(packed, GetParam());
      const auto x = random_tensor<float>({m, k}, 3), residual = random_tensor<float>({m, n}, 4);
      for (const auto workers : {Workers::one, Workers::all}) {
        Pass<float> pass;
        pass.workers = workers;
        Pass<double> exact_pass;
        for (const auto activation : {Activation::identity, Activation::gelu, Activation::quick_gelu}) {
          const auto y = linear(x, packed, pass, activation);
          const auto expected = linear(testing::widened(x), exact, exact_pass, activation);
          EXPECT_LT(relative_distance(y, expected), tolerance(GetParam())) << n << ' ' << k;
        }
        const auto y = linear_residual(x, packed, residual, pass);
        const auto expected =
            linear_residual(testing::widened(x), exact, testing::widened(residual), exact_pass);
        EXPECT_LT(relative_distance(y, expected), tolerance(GetParam())) << n << ' ' << k;
      }
    }
  }
}

TEST_P(HeldWeights, GiveTheSameInPartsOfColumns) {
  const std::int64_t m = 5, n = 300, k = 96;
  const auto weight = random_tensor<float>({n, k}, 1), x = random_tensor<float>({m, k}, 2);
  const PackedMatrix packed(weight, GetParam());
  auto whole = random_tensor<float>({m, n}, 3), parts = whole.clone();
  const Epilogue adding{.add_to_output = true};
  packed.multiply({x.data(), m, nullptr, adding, whole.data()}, {0, n});
  for (std::int64_t begin = 0; begin < n; begin += packed.panel())
    packed.multiply({x.data(), m, nullptr, adding, parts.data()},
                    {begin, std::min(begin + packed.panel(), n)});
  EXPECT_EQ(testing::difference(whole, parts), 0);
}

INSTANTIATE_TEST_SUITE_P(Types, HeldWeights, ::testing::ValuesIn(types),
                         [](const auto& type) { return std::string(name_of(type.param)); });

TEST(PackedMatrix, GivesARowTheSameValuesInAnyCompany) {
  const std::int64_t n = 100, k = 1600;  // more than one block of K
  const auto weight = random_tensor<float>({n, k}, 1), x = random_tensor<float>({300, k}, 2);
  for (const auto type : types) {
    const PackedMatrix packed(weight, type);
    Tensor<float> together({300, n}), alone({1, n});
    packed.multiply({x.data(), 300, nullptr, {}, together.data()}, {0, n});
    for (const std::int64_t row : {0, 13, 200, 299}) {
      packed.multiply({x.row(row), 1, nullptr, {}, alone.data()}, {0, n});
      EXPECT_EQ(testing::difference(alone, together.slice(row, row + 1)), 0) << name_of(type) << ' ' << row;
    }
  }
}

TEST(PackedMatrix, TakesNoRowsAndWritesNone) {
  const auto weight = random_tensor<float>({5, 3}, 1), before = random_tensor<float>({1, 5}, 2);
  for (const auto type : types) {
    auto y = before.clone();
    PackedMatrix(weight, type).multiply({nullptr, 0, nullptr, {}, y.data()}, {0, 5});
    EXPECT_EQ(testing::difference(y, before), 0) << name_of(type);
  }
}

TEST(ByteTile, IsExact) {
  if (!multiplies_bytes()) GTEST_SKIP() << "this processor has no products of bytes";
  const std::int64_t steps = 5;
  std::vector<std::uint8_t> a(byte_tile_rows * 4 * steps);
  std::vector<std::int8_t> b(steps * byte_tile_columns * 4);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<std::uint8_t>(255 - i * 7 % 256);
  for (std::size_t i = 0; i < b.size(); ++i)
    b[i] = static_cast<std::int8_t>(static_cast<int>(i * 11 % 255) - 127);
  for (int rows = 1; rows <= byte_tile_rows; ++rows) {
    std::vector<std::int32_t> sums(static_cast<std::size_t>(rows) * byte_tile_columns);
    byte_tile(rows, {a.data(), 4 * steps},
              {b.data(), steps, {reinterpret_cast<const std::byte*>(b.data()), 0}}, sums.data());
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < byte_tile_columns; ++j) {
        std::int32_t sum = 0;
        for (std::int64_t p = 0; p < 4 * steps; ++p)
          sum += a[static_cast<std::size_t>(i * 4 * steps + p)] *
                 b[static_cast<std::size_t>((p / 4 * byte_tile_columns + j) * 4 + p % 4)];
        EXPECT_EQ(sums[static_cast<std::size_t>(i * byte_tile_columns + j)], sum)
            << rows << ' ' << i << ' ' << j;
      }
    }
  }
}

}  // namespace
}  // namespace beeld
