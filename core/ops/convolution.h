#pragma once

#include <cstdint>

#include "core/ops/linear.h"
#include "core/tensor/pass.h"
#include "core/tensor/sequences.h"
#include "core/tensor/tensor.h"

namespace beeld {

/// B maps of the same size, end to end, the places of each row by row: a map is a sequence of height * width
/// rows, and every operation on rows serves its places as well.
template <class T>
struct FeatureMaps {
  Tensor<T> rows;  // [N,C], N = B * height * width
  std::int64_t height = 0;
  std::int64_t width = 0;

  std::int64_t places() const { return height * width; }
  std::int64_t count() const { return places() == 0 ? 0 : rows.rows() / places(); }  ///< B
  Sequences sequences() const { return Sequences::equal(count(), places()); }
};

/// A square that moves over the places of a map.
struct KernelWindow {
  std::int64_t edge = 1;     ///< places
  std::int64_t stride = 1;   ///< places from one step to the next
  std::int64_t padding = 0;  ///< zeros on every side of the map

  std::int64_t taps() const { return edge * edge; }

  /// How many steps there are along `extent` places; none where the window does not fit.
  std::int64_t steps(std::int64_t extent) const {
    const auto room = extent + 2 * padding - edge;
    return room < 0 ? 0 : room / stride + 1;
  }
};

/// Weights of a convolution. The outputs of one of G groups read the channels of that group alone.
template <class T>
struct Convolution {
  KernelWindow window;
  std::int64_t groups = 1;  ///< G; as many as channels where it is depthwise
  Linear<T> kernel = {};    // [O, edge*edge*C/G], each row ordered (row, column, channel)
  Tensor<T> taps = {};      // [edge*edge, O] of a depthwise one, ordered by pack(); or empty
};

/// activation(kernel * x + bias) at every step of the window: B x [H,W,C] -> B x [H',W',O]. Throws
/// Error(invalid_argument) where channels do not fit, the window does not, or a tape is to record weights
/// that are not plain.
template <class T>
FeatureMaps<T> convolve(const FeatureMaps<T>& x, const Convolution<T>& weights, Pass<T>& pass,
                        Activation activation = Activation::identity);

/// The sum over taps and channels that it is, without activation: the plain definition, for any groups.
template <class T>
FeatureMaps<T> convolve_plain(const FeatureMaps<T>& x, const Convolution<T>& weights);

/// What a window sees at every step, zeros outside of the map (im2col): -> [B*H'*W', edge*edge*C], each row
/// ordered (row, column, channel).
template <class T>
Tensor<T> unfold(const FeatureMaps<T>& x, const KernelWindow& window, Pass<T>& pass);

/// The mean of each square of edge * edge places; what is left at the right and below is not read.
template <class T>
FeatureMaps<T> average_pool(const FeatureMaps<T>& x, std::int64_t edge, Pass<T>& pass);

/// Orders the weights for fast products, for inference.
void pack(Convolution<float>& weights, WeightType type = WeightType::f32);

}  // namespace beeld
