#include "vision/convolution/network.h"

#include <utility>

#include "core/base/parallel.h"
#include "core/ops/activation.h"
#include "core/ops/rows.h"

namespace beeld {

namespace {

/// Channels times the sigmoid of what their means say.
template <class T>
Tensor<T> excited(const FeatureMaps<T>& x, const Excitation<T>& weights, Pass<T>& pass) {
  const auto maps = x.sequences();
  const auto means = mean_rows(x.rows, maps, 0, pass);                               // [B,C]
  const auto squeezed = linear(means, weights.squeeze, pass, Activation::relu);      // [B,R]
  const auto factors = linear(squeezed, weights.excite, pass, Activation::sigmoid);  // [B,C]
  return scale(x.rows, factors, maps, pass);
}

template <class T>
FeatureMaps<T> through(const ConvolutionLayer<T>& layer, FeatureMaps<T> x, Pass<T>& pass) {
  if (!layer.excitation.present()) return convolve(x, layer.convolution, pass, layer.activation);
  x = convolve(x, layer.convolution, pass);
  x.rows = activate(excited(x, layer.excitation, pass), layer.activation, pass);
  return x;
}

template <class T>
FeatureMaps<T> through(const AveragePool& layer, const FeatureMaps<T>& x, Pass<T>& pass) {
  return average_pool(x, layer.edge, pass);
}

template <class T>
FeatureMaps<T> through(const std::vector<Layer<T>>& layers, FeatureMaps<T> x, Pass<T>& pass) {
  for (const auto& layer : layers) {
    x = std::visit([&](const auto& kind) { return through(kind, std::exchange(x, {}), pass); }, layer);
  }
  return x;
}

template <class T>
FeatureMaps<T> through(const ResidualLayer<T>& layer, FeatureMaps<T> x, Pass<T>& pass) {
  const auto inner = through(layer.branch, x, pass);
  x = through(layer.shortcut, std::move(x), pass);
  x.rows = linear_residual(inner.rows, layer.output, std::move(x.rows), pass);
  if (layer.activation != Activation::identity) x.rows = activate(x.rows, layer.activation, pass);
  return x;
}

template <class T>
FeatureMaps<T> through(const AttentionLayer<T>& layer, FeatureMaps<T> x, Pass<T>& pass) {
  const auto maps = x.sequences();
  const auto h = layer.norm.gain.empty() ? x.rows : norm(x.rows, layer.norm, pass);
  const auto attended =
      multi_head_attention<T>({h, h, maps, maps}, layer.config, layer.attention, pass);  // [N, H*D]
  x.rows = linear_residual(attended, layer.attention.output, std::move(x.rows), pass);
  return x;
}

void pack(ConvolutionLayer<float>& layer, WeightType type) {
  pack(layer.convolution, type);
  if (!layer.excitation.present()) return;
  pack(layer.excitation.squeeze, type);
  pack(layer.excitation.excite, type);
}

void pack(AveragePool&, WeightType) {}

void pack(ResidualLayer<float>& layer, WeightType type) {
  for (auto* layers : {&layer.branch, &layer.shortcut}) {
    for (auto& inner : *layers) std::visit([type](auto& kind) { pack(kind, type); }, inner);
  }
  pack(layer.output, type);
}

void pack(AttentionLayer<float>& layer, WeightType type) {
  for (auto* weights : {&layer.attention.query, &layer.attention.key_value, &layer.attention.output})
    pack(*weights, type);
}

}  // namespace

template <class T>
FeatureMaps<T> maps_of(std::span<const Pixels> images) {
  if (images.empty()) return {};
  const std::int64_t height = images[0].height, width = images[0].width, places = height * width;
  FeatureMaps<T> maps{Tensor<T>({std::ssize(images) * places, 3}), height, width};
  for (std::size_t b = 0; b < images.size(); ++b) {
    T* to = maps.rows.row(static_cast<std::int64_t>(b) * places);
    const float* from = images[b].values.data();
    for (std::int64_t place = 0; place < places; ++place) {
      for (int channel = 0; channel < 3; ++channel) *to++ = from[channel * places + place];
    }
  }
  return maps;
}

template <class T>
FeatureMaps<T> convolve(FeatureMaps<T> x, const ConvolutionNetwork<T>& network, Pass<T>& pass) {
  for (const auto& layer : network.layers) {
    x = std::visit([&](const auto& kind) { return through(kind, std::exchange(x, {}), pass); }, layer);
  }
  return x;
}

void pack(ConvolutionNetwork<float>& network, WeightType type) {
  parallel_for(std::ssize(network.layers), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i) {
      const auto held = i == 0 ? WeightType::f32 : type;
      std::visit([held](auto& kind) { pack(kind, held); }, network.layers[static_cast<std::size_t>(i)]);
    }
  });
}

template FeatureMaps<float> maps_of(std::span<const Pixels>);
template FeatureMaps<double> maps_of(std::span<const Pixels>);
template FeatureMaps<float> convolve(FeatureMaps<float>, const ConvolutionNetwork<float>&, Pass<float>&);
template FeatureMaps<double> convolve(FeatureMaps<double>, const ConvolutionNetwork<double>&, Pass<double>&);

}  // namespace beeld
