#include "core/packed_matrix.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

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
      return 1e-2;
  }
  return 0;
}

class HeldWeights : public ::testing::TestWithParam<WeightType> {};

TEST_P(HeldWeights, MultiplyAsThePlainOnes) {
  // More values than are widened at once, a number of outputs that is no multiple of anything, small ones.
  for (const auto [m, n, k] : {ProductShape{50, 700, 640}, {3, 97, 33}, {1, 1, 1}, {70, 64, 2048}}) {
    for (const auto bias : {Bias::absent, Bias::present}) {
      Linear<float> plain;
      plain.weight = random_tensor<float>({n, k}, 1, 0.2);
      if (bias == Bias::present) plain.bias = random_tensor<float>({n}, 2);
      const Linear<double> exact{
          .weight = testing::widened(plain.weight), .bias = testing::widened(plain.bias), .packed = {}};
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
  const auto packed = pack(weight.data(), n, k, GetParam());
  if (!packed) GTEST_SKIP() << "this build multiplies float32 weights as they are";
  auto whole = random_tensor<float>({m, n}, 3), parts = whole.clone();
  const Epilogue adding{.add_to_output = true};
  packed->multiply({x.data(), m, nullptr, adding, whole.data()}, {0, n});
  for (std::int64_t begin = 0; begin < n; begin += packed->panel())
    packed->multiply({x.data(), m, nullptr, adding, parts.data()},
                     {begin, std::min(begin + packed->panel(), n)});
  EXPECT_LT(testing::difference(whole, parts), 2e-5);
}

INSTANTIATE_TEST_SUITE_P(Types, HeldWeights, ::testing::ValuesIn(types),
                         [](const auto& type) { return std::string(name_of(type.param)); });

TEST(PackedMatrix, IsExactForIntegersThatFit) {
  // Rows from 0 to 255 and weights up to 127 have scales of one: the sums are whole and so exact.
  const std::int64_t n = 64, k = 256;
  Tensor<float> weight({n, k}), x({1, k});
  for (std::int64_t i = 0; i < n * k; ++i) weight.data()[i] = static_cast<float>(i * 7 % 255 - 127);
  for (std::int64_t j = 0; j < k; ++j) x.data()[j] = static_cast<float>(j);
  for (std::int64_t i = 0; i < n; ++i) weight.row(i)[0] = 127;
  const auto packed = pack(weight.data(), n, k, WeightType::int8);
  Tensor<float> y({1, n});
  packed->multiply({x.data(), 1, nullptr, {}, y.data()}, {0, n});
  for (std::int64_t i = 0; i < n; ++i) {
    double sum = 0;
    for (std::int64_t j = 0; j < k; ++j) sum += static_cast<double>(weight.row(i)[j]) * x.data()[j];
    EXPECT_EQ(y.data()[i], static_cast<float>(sum)) << i;
  }
}

}  // namespace
}  // namespace beeld
