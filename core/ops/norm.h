#pragma once

#include "core/tensor/pass.h"
#include "core/tensor/tensor.h"

namespace beeld {

enum class NormKind {
  layer,  ///< (x - mean) / sqrt(variance + eps) * gain + bias (Ba et al. 2016)
  rms,    ///< x / sqrt(mean of squares + eps) * gain (Zhang & Sennrich 2019)
};

template <class T>
struct Norm {
  NormKind kind = NormKind::layer;
  double eps = 1e-5;
  Tensor<T> gain;  // [C]
  Tensor<T> bias;  // [C], or empty
};

/// Normalises every row: [N,C] -> [N,C]
template <class T>
Tensor<T> norm(const Tensor<T>& x, const Norm<T>& weights, Pass<T>& pass);

/// Normalises every head in the first columns of a row by one norm [D]; what stands behind the heads is left
/// as it is: [N, H*D and more] -> the same. Throws Error(invalid_argument) where the heads do not fit.
template <class T>
Tensor<T> norm_heads(const Tensor<T>& x, const Norm<T>& weights, std::int64_t heads, Pass<T>& pass);

/// One row by the plain definition: x [C] -> y [C].
template <class T>
void norm_row_plain(const T* x, const Norm<T>& weights, T* y);

/// What flows back through one row: dx is written, the gradients of gain and bias (null without) are added
/// to.
template <class T>
struct NormGradient {
  const T* dy;  // [C]
  T* dx;        // [C]
  T* gain;      // [C]
  T* bias;      // [C], or null
};

/// The gradient of one row by the plain definition.
template <class T>
void norm_row_backward_plain(const T* x, const Norm<T>& weights, const NormGradient<T>& gradient);

}  // namespace beeld
