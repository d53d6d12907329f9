#pragma once

#include <functional>
#include <memory>

#include "core/kernels/activation.h"
#include "core/kernels/packed_matrix.h"
#include "core/tensor/pass.h"
#include "core/tensor/tensor.h"

namespace beeld {

enum class Bias { absent, present };

/// Weights of y = x W^T + b.
template <class T>
struct Linear {
  Tensor<T> weight;                                 // [out, in]
  Tensor<T> bias;                                   // [out], or empty
  std::shared_ptr<const PackedMatrix> packed = {};  // the same weight, ordered for speed; may be null
  std::function<Tensor<T>()> read = {};             // where only its shape is known so far: gives the weight

  bool present() const { return weight.shape().rank() != 0; }
};

/// Orders a weight for fast products, for inference: the plain copy goes, only its shape stays.
void pack(Linear<float>& weights, WeightType type = WeightType::f32);

/// activation(x W^T + b): [N,in] -> [N,out]
template <class T>
Tensor<T> linear(const Tensor<T>& x, const Linear<T>& weights, Pass<T>& pass,
                 Activation activation = Activation::identity);

/// residual + x W^T + b: [N,in], [N,out] -> [N,out]. Overwrites the residual where nobody else holds it.
template <class T>
Tensor<T> linear_residual(const Tensor<T>& x, const Linear<T>& weights, Tensor<T> residual, Pass<T>& pass);

}  // namespace beeld
