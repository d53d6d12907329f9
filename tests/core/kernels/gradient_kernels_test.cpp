#include "core/kernels/gradient_kernels.h"

#include <gtest/gtest.h>

#include <span>

#include "core/ops/activation.h"
#include "core/ops/norm.h"
#include "core/tensor/tape.h"
#include "tests/support/random.h"

namespace beeld {
namespace {

using testing::difference;
using testing::random_tensor;
using testing::widened;

// Every length up to twice the widest vector and some beyond, so that full vectors, rests and both together
// occur.
std::vector<std::int64_t> lengths() {
  std::vector<std::int64_t> result;
  for (std::int64_t length = 1; length <= 33; ++length) result.push_back(length);
  for (const std::int64_t length : {50, 64, 127, 197, 768}) result.push_back(length);
  return result;
}

constexpr Activation vectorised[] = {Activation::identity,  Activation::relu,       Activation::gelu,
                                     Activation::gelu_tanh, Activation::quick_gelu, Activation::silu,
                                     Activation::sigmoid,   Activation::tanh};

constexpr float untouched = 12345;

/// Zeros, and behind them values that must stay.
Tensor<float> guarded(std::int64_t length) {
  auto values = Tensor<float>::zeros({length + 16});
  std::fill_n(values.data() + length, 16, untouched);
  return values;
}

void expect_untouched(const Tensor<float>& values, std::int64_t length) {
  for (std::int64_t i = length; i < values.size(); ++i) ASSERT_EQ(values.data()[i], untouched) << length;
}

/// The largest distance from f, in units of the value itself where that is large.
template <class Function>
double distance(const Tensor<float>& z, const Tensor<float>& y, const Function& f) {
  double largest = 0;
  for (std::int64_t i = 0; i < z.size(); ++i) {
    const double exact = f(i, static_cast<double>(z.data()[i]));
    const double apart = std::abs(static_cast<double>(y.data()[i]) - exact) / std::max(1.0, std::abs(exact));
    if (!(apart <= largest)) largest = std::isnan(apart) ? std::numeric_limits<double>::infinity() : apart;
  }
  return largest;
}

std::span<const float> all(const Tensor<float>& x) { return {x.data(), static_cast<std::size_t>(x.size())}; }

TEST(ActivationKernels, EqualTheirPlainDefinition) {
  for (const auto activation : vectorised) {
    for (const auto length : lengths()) {
      const auto z = random_tensor<float>({length}, 1, 3), dy = random_tensor<float>({length}, 2);
      auto y = guarded(length), dz = guarded(length);
      activate_values(z.data(), length, activation, y.data());
      activate_values_backward(all(z), dy.data(), activation, dz.data());
      EXPECT_LT(distance(z, y, [&](std::int64_t, double x) { return activate(x, activation); }), 1e-6)
          << length;
      EXPECT_LT(distance(z, dz,
                         [&](std::int64_t i, double x) {
                           return static_cast<double>(dy.data()[i]) * activation_slope(x, activation);
                         }),
                3e-6)
          << length;
      expect_untouched(y, length);
      expect_untouched(dz, length);
    }
  }
}

TEST(ActivationKernels, WorkInPlace) {
  for (const auto activation : vectorised) {
    const auto z = random_tensor<float>({37}, 1, 3), dy = random_tensor<float>({37}, 2);
    Tensor<float> y({37}), dz({37});
    activate_values(z.data(), 37, activation, y.data());
    activate_values_backward(all(z), dy.data(), activation, dz.data());
    auto written = z.clone(), d_written = dy.clone();
    activate_values(written.data(), 37, activation, written.data());
    activate_values_backward(all(z), d_written.data(), activation, d_written.data());
    EXPECT_EQ(difference(written, y), 0);
    EXPECT_EQ(difference(d_written, dz), 0);
  }
}

// Where the exponential leaves the range of a float, values and slopes have reached their limits.
TEST(ActivationKernels, SurviveLargeValues) {
  const std::vector<float> large{-1e6F, -3e3F, -500, -200, -110, -90, -62, -51, 51, 62, 90, 200, 3e3F, 1e6F};
  const auto count = static_cast<std::int64_t>(large.size());
  auto z = Tensor<float>({count});
  std::copy(large.begin(), large.end(), z.data());
  const std::vector<float> ones(large.size(), 1);
  for (const auto activation : vectorised) {
    Tensor<float> y({count}), dz({count});
    activate_values(z.data(), count, activation, y.data());
    activate_values_backward(all(z), ones.data(), activation, dz.data());
    EXPECT_LT(distance(z, y, [&](std::int64_t, double x) { return activate(x, activation); }), 1e-6);
    EXPECT_LT(distance(z, dz, [&](std::int64_t, double x) { return activation_slope(x, activation); }), 1e-6);
  }
}

/// What flows back through rows under a norm whose gradients began at `before`.
template <class T>
struct NormGradients {
  Tensor<T> x, gain, bias;
};

NormGradients<double> exact_gradients(const Tensor<float>& x, const Norm<float>& weights,
                                      const Tensor<float>& dy) {
  const Norm<double> w{weights.kind, weights.eps, widened(weights.gain), widened(weights.bias)};
  const auto input = widened(x);
  Tape<double> tape;
  for (const auto& values : {input, w.gain, w.bias}) tape.watch(values);
  Pass<double> pass;
  pass.tape = &tape;
  tape.add(norm(input, w, pass), widened(dy));
  tape.backward();
  return {tape.gradient(input), tape.gradient(w.gain), tape.gradient(w.bias)};
}

class NormKernels : public ::testing::TestWithParam<NormKind> {};

TEST_P(NormKernels, EqualTheirPlainDefinitionAndAddToParameters) {
  for (const auto length : lengths()) {
    const Norm<float> weights{.kind = GetParam(),
                              .eps = 1e-5,
                              .gain = random_tensor<float>({length}, 1),
                              .bias = random_tensor<float>({length}, 2)};
    const auto x = random_tensor<float>({1, length}, 3, 2), dy = random_tensor<float>({1, length}, 4);
    const auto exact = exact_gradients(x, weights, dy);
    auto dx = guarded(length), gain = guarded(length), bias = guarded(length);
    std::fill_n(gain.data(), length, 1.5F);
    std::fill_n(bias.data(), length, -2.5F);
    Tensor<float> plain_dx({length});
    auto plain_gain = gain.clone(), plain_bias = bias.clone();
    norm_row_backward_plain<float>(x.data(), weights,
                                   {dy.data(), plain_dx.data(), plain_gain.data(), plain_bias.data()});
    const NormRow row{x.data(), weights.gain.data(), nullptr, length, 1e-5F};
    const NormRowGradient gradient{dy.data(), dx.data(), gain.data(), bias.data()};
    GetParam() == NormKind::layer ? layer_norm_row_backward(row, gradient)
                                  : rms_norm_row_backward(row, gradient);
    for (std::int64_t j = 0; j < length; ++j) {
      EXPECT_NEAR(dx.data()[j], exact.x.data()[j], 2e-5) << length;
      EXPECT_NEAR(plain_dx.data()[j], exact.x.data()[j], 2e-5) << length;
      EXPECT_NEAR(gain.data()[j], 1.5 + exact.gain.data()[j], 1e-5) << length;
      EXPECT_NEAR(bias.data()[j], -2.5 + exact.bias.data()[j], 1e-6) << length;
    }
    EXPECT_LT(difference(gain, plain_gain), 1e-5) << length;
    EXPECT_LT(difference(bias, plain_bias), 1e-6) << length;
    for (const auto* values : {&dx, &gain, &bias}) expect_untouched(*values, length);
  }
}

TEST_P(NormKernels, DoWithoutABias) {
  const auto x = random_tensor<float>({21}, 1), gains = random_tensor<float>({21}, 2),
             dy = random_tensor<float>({21}, 3);
  const NormRow row{x.data(), gains.data(), nullptr, 21, 1e-5F};
  Tensor<float> dx({21}), other_dx({21});
  auto gain = Tensor<float>::zeros({21}), other_gain = gain.clone(), bias = gain.clone();
  const auto run = [&](const NormRowGradient& gradient) {
    GetParam() == NormKind::layer ? layer_norm_row_backward(row, gradient)
                                  : rms_norm_row_backward(row, gradient);
  };
  run({dy.data(), dx.data(), gain.data(), nullptr});
  run({dy.data(), other_dx.data(), other_gain.data(), bias.data()});
  EXPECT_EQ(difference(dx, other_dx), 0);
  EXPECT_EQ(difference(gain, other_gain), 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, NormKernels, ::testing::Values(NormKind::layer, NormKind::rms));

TEST(AddValues, AddsExactlyAndNoFurther) {
  for (const auto length : lengths()) {
    const auto x = random_tensor<float>({length}, 1);
    auto y = guarded(length);
    const auto before = random_tensor<float>({length}, 2);
    std::copy_n(before.data(), length, y.data());
    add_values(x.data(), length, y.data());
    for (std::int64_t i = 0; i < length; ++i) EXPECT_EQ(y.data()[i], x.data()[i] + before.data()[i]);
    expect_untouched(y, length);
  }
}

}  // namespace
}  // namespace beeld
