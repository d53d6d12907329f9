#include "core/ops/convolution.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/ops/activation.h"
#include "core/ops/rows.h"
#include "tests/support/central_differences.h"
#include "tests/support/expect_error.h"
#include "tests/support/random_weights.h"

namespace beeld {
namespace {

using testing::Checked;
using testing::difference;
using testing::expect_error;
using testing::expect_gradients;
using testing::random_linear;
using testing::random_tensor;
using testing::widened;

struct ConvolutionCase {
  const char* name;
  KernelWindow window;
  std::int64_t channels, outputs, groups;
  std::int64_t height, width;
  Bias bias = Bias::present;
};

template <class T>
FeatureMaps<T> random_maps(const ConvolutionCase& c, std::int64_t count = 2) {
  return {random_tensor<T>({count * c.height * c.width, c.channels}, 1), c.height, c.width};
}

template <class T>
Convolution<T> random_convolution(const ConvolutionCase& c) {
  return {.window = c.window,
          .groups = c.groups,
          .kernel = random_linear<T>({c.outputs, c.window.taps() * c.channels / c.groups}, 2, c.bias)};
}

FeatureMaps<double> widened_maps(const FeatureMaps<float>& x) { return {widened(x.rows), x.height, x.width}; }

class Convolutions : public ::testing::TestWithParam<ConvolutionCase> {};

TEST_P(Convolutions, EqualTheirPlainDefinition) {
  const auto& c = GetParam();
  const auto x = random_maps<float>(c, 3);
  const auto plain = random_convolution<float>(c);
  auto packed = plain;
  pack(packed);
  const Convolution<double> exact{
      .window = plain.window,
      .groups = plain.groups,
      .kernel = {widened(plain.kernel.weight.plain()), widened(plain.kernel.bias)}};
  Pass<double> exact_pass;
  for (const auto activation : {Activation::identity, Activation::relu, Activation::gelu}) {
    auto expected = convolve_plain(widened_maps(x), exact);
    expected.rows = activate(expected.rows, activation, exact_pass);
    EXPECT_LT(difference(convolve(widened_maps(x), exact, exact_pass, activation).rows, expected.rows),
              1e-12);
    for (const auto& weights : {plain, packed}) {
      for (const auto workers : {Workers::one, Workers::all}) {
        Pass<float> pass;
        pass.workers = workers;
        const auto y = convolve(x, weights, pass, activation);
        EXPECT_EQ(y.height, expected.height);
        EXPECT_EQ(y.width, expected.width);
        EXPECT_LT(difference(y.rows, expected.rows), 5e-6);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, Convolutions,
    ::testing::Values(ConvolutionCase{"OnePlace", {1, 1, 0}, 20, 33, 1, 5, 4},
                      ConvolutionCase{"Same", {3, 1, 1}, 5, 7, 1, 6, 9},
                      ConvolutionCase{"Strided", {3, 2, 1}, 3, 16, 1, 11, 8, Bias::absent},
                      ConvolutionCase{"Patches", {4, 4, 0}, 3, 8, 1, 11, 8},
                      ConvolutionCase{"StridedOnePlace", {1, 2, 0}, 4, 6, 1, 5, 6},
                      ConvolutionCase{"WindowBeyondTheMap", {7, 1, 3}, 4, 6, 1, 2, 3},
                      // Several parts of rows.
                      ConvolutionCase{"ManyRows", {3, 1, 1}, 64, 5, 1, 17, 19},
                      ConvolutionCase{"Grouped", {3, 2, 1}, 6, 9, 3, 7, 5},
                      ConvolutionCase{"Depthwise", {3, 1, 1}, 37, 37, 37, 6, 23},
                      ConvolutionCase{"DepthwiseOfFullVectors", {7, 1, 3}, 64, 64, 64, 9, 17, Bias::absent},
                      ConvolutionCase{"DepthwiseStrided", {7, 2, 3}, 16, 16, 16, 16, 21},
                      ConvolutionCase{"DepthwiseTwice", {3, 1, 1}, 18, 36, 18, 5, 9},
                      ConvolutionCase{"DepthwiseStridedTwice", {7, 2, 3}, 16, 32, 16, 12, 12},
                      ConvolutionCase{"DepthwiseBeyondTheMap", {7, 1, 3}, 16, 16, 16, 2, 2},
                      ConvolutionCase{"DepthwiseFarApart", {3, 5, 1}, 5, 5, 5, 11, 13},
                      ConvolutionCase{"DepthwiseOfOneChannel", {3, 1, 1}, 1, 1, 1, 4, 5}),
    [](const auto& c) { return c.param.name; });

class ConvolutionGradients : public ::testing::TestWithParam<ConvolutionCase> {};

TEST_P(ConvolutionGradients, EqualCentralDifferences) {
  const auto& c = GetParam();
  const auto x = random_maps<double>(c);
  const auto w = random_convolution<double>(c);
  const auto checked = Checked<double>().add("x", x.rows).add("kernel", w.kernel);
  for (const auto activation : {Activation::identity, Activation::gelu}) {
    expect_gradients(checked, [&](Pass<double>& pass) { return convolve(x, w, pass, activation).rows; });
  }
}

TEST_P(ConvolutionGradients, AreTheSameInFloat) {
  const auto& c = GetParam();
  const auto gradients = [&]<class T>(T) {
    const auto x = random_maps<T>(c);
    const auto w = random_convolution<T>(c);
    return testing::gradients_of<T>(
        Checked<T>().add("x", x.rows).add("kernel", w.kernel),
        [&](Pass<T>& pass) { return convolve(x, w, pass, Activation::gelu).rows; });
  };
  testing::expect_gradients_in_float(gradients(0.0F), gradients(0.0));
}

INSTANTIATE_TEST_SUITE_P(Kinds, ConvolutionGradients,
                         ::testing::Values(ConvolutionCase{"OnePlace", {1, 1, 0}, 3, 4, 1, 2, 3},
                                           ConvolutionCase{"Same", {3, 1, 1}, 2, 3, 1, 3, 4},
                                           ConvolutionCase{"Strided", {3, 2, 1}, 2, 3, 1, 5, 4, Bias::absent},
                                           ConvolutionCase{"Patches", {2, 2, 0}, 2, 3, 1, 5, 4},
                                           ConvolutionCase{"Grouped", {3, 2, 1}, 4, 6, 2, 4, 3},
                                           ConvolutionCase{"Depthwise", {3, 1, 1}, 3, 3, 3, 3, 4},
                                           ConvolutionCase{
                                               "DepthwiseTwice", {3, 2, 1}, 3, 6, 3, 4, 5, Bias::absent}),
                         [](const auto& c) { return c.param.name; });

TEST(Convolution, IsTheSumWorkedOutByHand) {
  // One map of 2 x 3 places and two channels; a window of 3 reads zeros around it.
  Tensor<double> rows({6, 2});
  for (std::int64_t i = 0; i < 12; ++i) rows.data()[i] = static_cast<double>(i);
  Tensor<double> kernel = Tensor<double>::zeros({1, 18});
  kernel.data()[2 * 4 + 0] = 1;    // the middle, first channel
  kernel.data()[2 * 5 + 1] = 10;   // right of it, second channel
  kernel.data()[2 * 7 + 0] = 100;  // below
  Pass<double> pass;
  const auto y = convolve({rows, 2, 3}, {{3, 1, 1}, 1, {kernel, {}}}, pass).rows;
  const double expected[] = {0 + 30 + 600, 2 + 50 + 800, 4 + 1000, 6 + 90, 8 + 110, 10};
  for (int i = 0; i < 6; ++i) EXPECT_EQ(y.data()[i], expected[i]) << i;
}

TEST(Convolution, RefusesWhatDoesNotFit) {
  const ConvolutionCase c{"", {3, 1, 1}, 4, 6, 1, 5, 5};
  Pass<float> pass;
  const auto x = random_maps<float>(c);
  auto w = random_convolution<float>(c);
  w.groups = 3;
  expect_error(ErrorCode::invalid_argument, "[convolution] weight [6,36]", [&] { convolve(x, w, pass); });
  w = random_convolution<float>(c);
  w.window.edge = 2;
  expect_error(ErrorCode::invalid_argument, "got maps of 4 channels", [&] { convolve(x, w, pass); });
  w = random_convolution<float>({"", {7, 1, 0}, 4, 6, 1, 5, 5});
  expect_error(ErrorCode::invalid_argument, "a window of 7 on maps of 5x5", [&] { convolve(x, w, pass); });
  auto torn = x;
  torn.height = 4;
  expect_error(ErrorCode::invalid_argument, "maps of 5x4 in rows [50,4]",
               [&] { convolve(torn, random_convolution<float>(c), pass); });
}

TEST(Convolution, IsNotRecordedOverPackedWeights) {
  const ConvolutionCase c{"", {3, 1, 1}, 4, 6, 1, 5, 5};
  auto w = random_convolution<float>(c);
  pack(w);
  Tape<float> tape;
  Pass<float> pass;
  pass.tape = &tape;
  expect_error(ErrorCode::invalid_argument, "[convolution] a gradient needs a plain weight",
               [&] { convolve(random_maps<float>(c), w, pass); });
}

TEST(Convolution, HeldInFewerBitsIsNearlyTheSame) {
  const ConvolutionCase c{"", {3, 1, 1}, 64, 32, 1, 9, 9};
  const auto x = random_maps<float>(c);
  const auto exact = random_convolution<float>(c);
  Pass<float> pass;
  const auto expected = convolve(x, exact, pass).rows;
  for (const auto& [type, tolerance] : {std::pair{WeightType::f16, 2e-3}, std::pair{WeightType::bf16, 2e-2},
                                        std::pair{WeightType::int8, 6e-2}}) {
    auto held = exact;
    pack(held, type);
    const auto apart = difference(convolve(x, held, pass).rows, expected);
    EXPECT_LT(apart, tolerance);
    EXPECT_GT(apart, 0);
  }
}

TEST(AveragePool, IsTheMeanOfEachSquare) {
  Tensor<double> rows({15, 1});  // 3 x 5 places: a row and a column are left over
  for (std::int64_t i = 0; i < 15; ++i) rows.data()[i] = static_cast<double>(i);
  Pass<double> pass;
  const auto y = average_pool<double>({rows, 3, 5}, 2, pass);
  EXPECT_EQ(y.height, 1);
  EXPECT_EQ(y.width, 2);
  EXPECT_EQ(y.rows.data()[0], 3);
  EXPECT_EQ(y.rows.data()[1], 5);
}

TEST(AveragePoolGradient, EqualsCentralDifferences) {
  const FeatureMaps<double> x{random_tensor<double>({2 * 3 * 5, 3}, 1), 3, 5};
  const auto forward = [&](Pass<double>& pass) { return average_pool(x, 2, pass).rows; };
  const auto checked = Checked<double>().add("x", x.rows);
  expect_gradients(checked, forward);
}

TEST(UnfoldGradient, EqualsCentralDifferences) {
  const FeatureMaps<double> x{random_tensor<double>({2 * 4 * 3, 2}, 1), 4, 3};
  for (const auto& window : {KernelWindow{3, 1, 1}, KernelWindow{2, 2, 0}, KernelWindow{3, 2, 2}}) {
    expect_gradients(Checked<double>().add("x", x.rows),
                     [&](Pass<double>& pass) { return unfold(x, window, pass); });
  }
}

TEST(ScaleGradient, EqualsCentralDifferences) {
  const auto x = random_tensor<double>({7, 3}, 1), factors = random_tensor<double>({2, 3}, 2);
  Sequences sequences;
  sequences.append(3);
  sequences.append(4);
  const auto forward = [&](Pass<double>& pass) { return scale(x, factors, sequences, pass); };
  expect_gradients(Checked<double>().add("x", x).add("factors", factors), forward);
  Pass<double> pass;
  EXPECT_EQ(forward(pass).row(3)[1], x.row(3)[1] * factors.row(1)[1]);
}

TEST(PrependGradient, EqualsCentralDifferences) {
  const auto first = random_tensor<double>({3, 2}, 1), x = random_tensor<double>({6, 2}, 2);
  Sequences sequences;
  for (const std::int64_t length : {4, 0, 2}) sequences.append(length);
  const auto forward = [&](Pass<double>& pass) { return prepend(first, x, sequences, pass); };
  expect_gradients(Checked<double>().add("first", first).add("x", x), forward);
  Pass<double> pass;
  const auto y = forward(pass);
  EXPECT_EQ(y.row(5)[0], first.row(1)[0]);
  EXPECT_EQ(y.row(8)[1], x.row(5)[1]);
}

}  // namespace
}  // namespace beeld
