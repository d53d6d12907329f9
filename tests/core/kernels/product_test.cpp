#include "core/kernels/product.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "core/ops/activation.h"
#include "core/ops/linear.h"
#include "tests/support/random.h"

namespace beeld {
namespace {

using testing::difference;
using testing::random_tensor;

TEST(Product, EqualsItsPlainDefinition) {
  for (const auto [m, n, k] :
       {ProductShape{1, 1, 1}, {7, 5, 3}, {50, 64, 50}, {197, 197, 64}, {1, 300, 77}}) {
    for (const auto layout : {Layout::normal, Layout::transposed}) {
      for (const auto a_layout : {Layout::normal, Layout::transposed}) {
        for (const float beta : {0.0F, 1.0F, 0.25F}) {
          const std::int64_t a_stride = (a_layout == Layout::normal ? k : m) + 2;
          const std::int64_t b_stride = (layout == Layout::normal ? n : k) + 3;
          const auto a = random_tensor<float>({a_layout == Layout::normal ? m : k, a_stride}, 1);
          const auto b = random_tensor<float>({layout == Layout::normal ? k : n, b_stride}, 2);
          auto fast = random_tensor<float>({m, n + 1}, 3);
          auto plain = fast.clone();
          const Operand<float> left{a.data(), a_stride, a_layout}, right{b.data(), b_stride, layout};
          product<float>({m, n, k}, {0.5F, beta}, left, right, {fast.data(), n + 1});
          product_plain<float>({m, n, k}, {0.5F, beta}, left, right, {plain.data(), n + 1});
          EXPECT_LT(difference(fast, plain), 2e-5);
        }
      }
    }
  }
}

class PackedProducts : public ::testing::TestWithParam<Activation> {};

TEST_P(PackedProducts, EqualThePlainOnes) {
  for (const std::int64_t rows : {1, 3, 50, 197}) {
    for (const auto bias : {Bias::absent, Bias::present}) {
      Linear<float> plain;
      const auto weight = random_tensor<float>({96, 80}, 1, 0.2);
      plain.weight = weight;
      if (bias == Bias::present) plain.bias = random_tensor<float>({96}, 2);
      auto packed = plain;
      pack(packed);
      Linear<double> exact{.weight = testing::widened(weight), .bias = testing::widened(plain.bias)};
      const auto x = random_tensor<float>({rows, 80}, 3);
      Pass<float> pass;
      Pass<double> exact_pass;
      const auto expected = linear(testing::widened(x), exact, exact_pass, GetParam());
      EXPECT_LT(difference(linear(x, plain, pass, GetParam()), expected), 1e-5);
      EXPECT_LT(difference(linear(x, packed, pass, GetParam()), expected), 1e-5);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Activations, PackedProducts,
                         ::testing::Values(Activation::identity, Activation::relu, Activation::gelu,
                                           Activation::gelu_tanh, Activation::quick_gelu, Activation::silu,
                                           Activation::sigmoid, Activation::tanh));

TEST(Linear, AddsItsResidualWithoutTouchingASharedOne) {
  Linear<float> weights;
  weights.weight = random_tensor<float>({8, 4}, 1);
  weights.bias = random_tensor<float>({8}, 2);
  auto packed = weights;
  pack(packed);
  const auto x = random_tensor<float>({5, 4}, 3);
  const auto residual = random_tensor<float>({5, 8}, 4);
  const auto before = residual.clone();
  Pass<float> pass;
  auto expected = linear(x, weights, pass);
  for (std::int64_t i = 0; i < expected.size(); ++i) expected.data()[i] += residual.data()[i];
  EXPECT_LT(difference(linear_residual(x, weights, residual, pass), expected), 1e-6);
  EXPECT_LT(difference(linear_residual(x, packed, residual, pass), expected), 1e-6);
  EXPECT_EQ(difference(residual, before), 0);
}

TEST(Linear, ServesManyThreadsAtOnce) {
  Linear<float> weights;
  weights.weight = random_tensor<float>({64, 64}, 1);
  pack(weights);
  Pass<float> pass;
  std::vector<Tensor<float>> expected;
  for (std::int64_t rows = 1; rows <= 20; ++rows) {
    expected.push_back(linear(random_tensor<float>({rows, 64}, 3), weights, pass));
  }
  std::vector<std::jthread> threads;
  std::vector<double> worst(4);
  for (double& largest : worst) {
    threads.emplace_back([&] {
      Pass<float> own;
      for (int round = 0; round < 20; ++round) {
        for (std::int64_t rows = 1; rows <= 20; ++rows) {
          const auto y = linear(random_tensor<float>({rows, 64}, 3), weights, own);
          largest = std::max(largest, difference(y, expected[static_cast<std::size_t>(rows - 1)]));
        }
      }
    });
  }
  threads.clear();
  for (const double apart : worst) EXPECT_EQ(apart, 0);
}

}  // namespace
}  // namespace beeld
