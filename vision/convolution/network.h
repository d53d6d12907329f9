#pragma once

#include <beeld/image.h>

#include <span>
#include <variant>
#include <vector>

#include "core/ops/convolution.h"
#include "core/transformer/block.h"
#include "core/transformer/parameters.h"

namespace beeld {

/// Squeeze and excitation (Hu et al. 2018): what a map holds of its channels on average decides how much of
/// each goes on.
template <class T>
struct Excitation {
  Linear<T> squeeze;  // [R,C]
  Linear<T> excite;   // [C,R]

  bool present() const { return squeeze.present(); }
};

/// activation(excitation(convolution(x)))
template <class T>
struct ConvolutionLayer {
  Convolution<T> convolution;
  Excitation<T> excitation = {};
  Activation activation = Activation::identity;
};

/// The mean of each square of edge * edge places.
struct AveragePool {
  int edge = 2;
};

template <class T>
using Layer = std::variant<ConvolutionLayer<T>, AveragePool>;

/// activation(shortcut(x) + output(branch(x))) (He et al. 2016). Without a shortcut it is x itself.
template <class T>
struct ResidualLayer {
  std::vector<Layer<T>> branch;
  Linear<T> output;  // [C,E]: of every place alone
  std::vector<Layer<T>> shortcut = {};
  Activation activation = Activation::identity;
};

/// x + output(attention(norm(x))): every place of a map asks all others.
template <class T>
struct AttentionLayer {
  AttentionConfig config;
  Norm<T> norm;  // or empty
  AttentionWeights<T> attention;
};

/// Layers one behind the other. Norms over a batch are in their kernels (vision/convolution/folding.h).
template <class T>
struct ConvolutionNetwork {
  std::vector<std::variant<ConvolutionLayer<T>, AveragePool, ResidualLayer<T>, AttentionLayer<T>>> layers;

  bool empty() const { return layers.empty(); }
};

/// Pictures of one size, the channels of a place side by side: B x [3,H,W] -> [B*H*W, 3]
template <class T>
FeatureMaps<T> maps_of(std::span<const Pixels> images);

/// All layers: B x [H,W,C] -> B x [H',W',C']. Throws Error(invalid_argument) for maps that a layer cannot
/// read.
template <class T>
FeatureMaps<T> convolve(FeatureMaps<T> x, const ConvolutionNetwork<T>& network, Pass<T>& pass);

/// Orders the weights for fast products, for inference. The first layer, close to what is seen, stays
/// float32.
void pack(ConvolutionNetwork<float>& network, WeightType type = WeightType::f32);

template <class T, class Visit>
void visit_parameters(ConvolutionLayer<T>& layer, const Visit& visit) {
  visit_parameters(layer.convolution.kernel, visit);
  visit_parameters(layer.excitation.squeeze, visit);
  visit_parameters(layer.excitation.excite, visit);
}

template <class T, class Visit>
void visit_parameters(ResidualLayer<T>& layer, const Visit& visit) {
  for (auto* layers : {&layer.branch, &layer.shortcut}) {
    for (auto& inner : *layers) {
      if (auto* convolution = std::get_if<ConvolutionLayer<T>>(&inner)) visit_parameters(*convolution, visit);
    }
  }
  visit_parameters(layer.output, visit);
}

template <class T, class Visit>
void visit_parameters(AttentionLayer<T>& layer, const Visit& visit) {
  visit_parameters(layer.norm, visit);
  visit_parameters(layer.attention, visit);
}

template <class Visit>
void visit_parameters(AveragePool&, const Visit&) {}

template <class T, class Visit>
void visit_parameters(ConvolutionNetwork<T>& network, const Visit& visit) {
  for (auto& layer : network.layers) std::visit([&](auto& kind) { visit_parameters(kind, visit); }, layer);
}

}  // namespace beeld
