#include "vision/convolution/network.h"

#include <gtest/gtest.h>

#include "core/transformer/config.h"
#include "tests/support/central_differences.h"
#include "tests/vision/model/random_tower.h"

namespace beeld {
namespace {

using testing::random_linear;
using testing::random_picture;
using testing::random_tensor;

constexpr int width = 6;

template <class T>
ConvolutionLayer<T> random_layer(const KernelWindow& window, Shape out_in, std::int64_t groups,
                                 std::uint64_t seed) {
  const Shape kernel{out_in[0], window.taps() * out_in[1] / groups};
  return {.convolution = {.window = window, .groups = groups, .kernel = random_linear<T>(kernel, seed)},
          .activation = Activation::gelu};
}

/// A network with a layer of every kind: 3 channels of 8 x 8 places to 6 of 2 x 2.
template <class T>
ConvolutionNetwork<T> random_network() {
  ConvolutionNetwork<T> network;
  network.layers.emplace_back(random_layer<T>({3, 2, 1}, {width, 3}, 1, 1));
  auto excited = random_layer<T>({3, 1, 1}, {width, width}, width, 3);
  excited.excitation = {random_linear<T>({2, width}, 5), random_linear<T>({width, 2}, 7)};
  network.layers.emplace_back(std::move(excited));
  ResidualLayer<T> residual;
  residual.branch.emplace_back(random_layer<T>({3, 1, 1}, {4, width}, 1, 9));
  residual.branch.emplace_back(AveragePool{2});
  residual.output = random_linear<T>({width, 4}, 11);
  residual.shortcut.emplace_back(AveragePool{2});
  residual.shortcut.emplace_back(random_layer<T>({1, 1, 0}, {width, width}, 1, 13));
  residual.activation = Activation::gelu;
  network.layers.emplace_back(std::move(residual));
  ResidualLayer<T> alone;
  alone.branch.emplace_back(random_layer<T>({3, 1, 1}, {width, width}, width, 15));
  alone.output = random_linear<T>({width, width}, 17);
  network.layers.emplace_back(std::move(alone));
  BlockConfig block;
  block.width = width;
  set_heads(block, 2);
  network.layers.emplace_back(AttentionLayer<T>{.config = block.attention,
                                                .norm = testing::random_norm<T>(block, 19),
                                                .attention = testing::random_attention<T>(block, 21)});
  return network;
}

template <class T>
testing::Checked<T> parameters(ConvolutionNetwork<T>& network) {
  testing::Checked<T> checked;
  int number = 0;
  visit_parameters(network,
                   [&](Tensor<T>& parameter, Decay) { checked.add(std::to_string(number++), parameter); });
  return checked;
}

const std::vector<Pixels> pictures{random_picture(8, 8, 31), random_picture(8, 8, 32)};

template <class T>
testing::Forward<T> forward_of(const ConvolutionNetwork<T>& network) {
  return [&](Pass<T>& pass) { return convolve(maps_of<T>(pictures), network, pass).rows; };
}

TEST(ConvolutionNetworkGradient, EqualsCentralDifferences) {
  auto network = random_network<double>();
  const auto checked = parameters(network);
  EXPECT_EQ(checked.all().size(), 26u);
  testing::expect_gradients(checked, forward_of(network));
}

TEST(ConvolutionNetworkGradient, IsTheSameInFloat) {
  auto network = random_network<float>();
  auto exact = random_network<double>();
  testing::expect_gradients_in_float(testing::gradients_of(parameters(network), forward_of(network)),
                                     testing::gradients_of(parameters(exact), forward_of(exact)));
}

TEST(ConvolutionNetwork, PackedIsTheSame) {
  auto network = random_network<float>();
  Pass<float> pass;
  const auto expected = forward_of(network)(pass);
  pack(network);
  EXPECT_LT(testing::difference(forward_of(network)(pass), expected), 1e-5);
  for (std::size_t b = 0; b < pictures.size(); ++b) {
    const auto alone = convolve(maps_of<float>({&pictures[b], 1}), network, pass).rows;
    const auto first = static_cast<std::int64_t>(b) * 4;
    EXPECT_EQ(testing::difference(alone, forward_of(network)(pass).slice(first, first + 4)), 0);
  }
}

TEST(ConvolutionNetwork, APlacesChannelsLieSideBySide) {
  const Pixels picture{2, 2, {0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23}};
  const auto maps = maps_of<float>({&picture, 1});
  const float expected[] = {0, 10, 20, 1, 11, 21, 2, 12, 22, 3, 13, 23};
  EXPECT_TRUE(std::equal(std::begin(expected), std::end(expected), maps.rows.data()));
}

}  // namespace
}  // namespace beeld
