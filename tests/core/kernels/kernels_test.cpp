#include "core/kernels/kernels.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "core/ops/norm.h"
#include "core/ops/softmax.h"
#include "tests/support/random.h"

namespace beeld {
namespace {

using testing::random_tensor;

// Lengths around every vector width, so that full vectors, rests and both together occur.
const std::vector<std::int64_t> lengths{1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 33, 50, 64, 197, 768};

TEST(Softmax, EqualsItsPlainDefinition) {
  for (const auto length : lengths) {
    auto fast = random_tensor<float>({length}, 1, 4);
    auto exact = testing::widened(fast);
    softmax(fast.data(), length);
    softmax_plain(exact.data(), length);
    EXPECT_LT(testing::difference(fast, exact), 3e-7) << length;
  }
}

TEST(Softmax, SurvivesLargeValues) {
  std::vector<float> values{1000, 1001, -1000};
  softmax(values.data(), 3);
  EXPECT_NEAR(values[1], 1 / (1 + std::exp(-1.0)), 1e-6);
  EXPECT_EQ(values[2], 0);
}

TEST(Norms, EqualTheirPlainDefinition) {
  for (const auto kind : {NormKind::layer, NormKind::rms}) {
    for (const auto length : lengths) {
      Norm<float> weights{.kind = kind, .eps = 1e-5, .gain = random_tensor<float>({length}, 1), .bias = {}};
      if (kind == NormKind::layer) weights.bias = random_tensor<float>({length}, 2);
      Norm<double> exact{kind, 1e-5, testing::widened(weights.gain), testing::widened(weights.bias)};
      const auto x = random_tensor<float>({3, length}, 3, 2);
      Pass<float> pass;
      Pass<double> exact_pass;
      EXPECT_LT(testing::difference(norm(x, weights, pass), norm(testing::widened(x), exact, exact_pass)),
                2e-5)
          << length;
      Tensor<float> plain({1, length});
      norm_row_plain(x.row(1), weights, plain.data());
      EXPECT_LT(testing::difference(norm(x.slice(1, 2), weights, pass), plain), 2e-5) << length;
    }
  }
}

float half_by_definition(std::uint16_t bits) {
  const int sign = bits >> 15, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  double value = exponent == 0    ? std::ldexp(fraction, -24)
                 : exponent == 31 ? (fraction ? NAN : INFINITY)
                                  : std::ldexp(1024 + fraction, exponent - 25);
  return static_cast<float>(sign ? -value : value);
}

TEST(HalfPrecision, WidensEveryValue) {
  std::vector<std::uint16_t> stored;
  for (std::uint32_t bits = 0; bits < 65536; ++bits) stored.push_back(static_cast<std::uint16_t>(bits));
  std::vector<std::byte> bytes(stored.size() * 2 + 1);
  std::memcpy(bytes.data() + 1, stored.data(), stored.size() * 2);  // at an odd address
  std::vector<float> f16(stored.size() - 1), bf16(stored.size() - 1);
  widen_f16(bytes.data() + 1, f16.size(), f16.data());
  widen_bf16(bytes.data() + 1, bf16.size(), bf16.data());
  for (std::uint32_t i = 0; i < f16.size(); ++i) {
    const float expected = half_by_definition(stored[i]);
    EXPECT_TRUE(f16[i] == expected || (std::isnan(f16[i]) && std::isnan(expected))) << i;
    EXPECT_EQ(std::bit_cast<std::uint32_t>(bf16[i]), i << 16) << i;
  }
}

}  // namespace
}  // namespace beeld
