#pragma once

#include "core/kernels/activation.h"
#include "core/ops/weight.h"
#include "core/tensor/pass.h"
#include "core/tensor/tensor.h"

namespace beeld {

enum class Bias { absent, present };

/// Weights of y = x W^T + b.
template <class T>
struct Linear {
  Weight<T> weight;  // [out, in]
  Tensor<T> bias;    // [out], or empty

  bool present() const { return !weight.empty(); }
};

/// Orders a weight for fast products, for inference; no other copy stays.
void pack(Linear<float>& weights, WeightType type = WeightType::f32);

/// Rows [begin,end) of a linear map's outputs; shares the values. Throws Error(invalid_argument) where they
/// are packed.
template <class T>
Linear<T> slice_outputs(const Linear<T>& weights, std::int64_t begin, std::int64_t end);

/// activation(x W^T + b): [N,in] -> [N,out]. A stored weight is read anew by every call. Throws
/// Error(invalid_argument) where rows do not fit, or a tape is to record a weight that is not plain.
template <class T>
Tensor<T> linear(const Tensor<T>& x, const Linear<T>& weights, Pass<T>& pass,
                 Activation activation = Activation::identity);

/// The same without a tape, into rows that are there: [N,in] -> y [N,out].
template <class T>
void linear_into(const Tensor<T>& x, const Linear<T>& weights, Activation activation, Tensor<T>& y);

/// residual + x W^T + b: [N,in], [N,out] -> [N,out]. Overwrites the residual where nobody else holds it.
template <class T>
Tensor<T> linear_residual(const Tensor<T>& x, const Linear<T>& weights, Tensor<T> residual, Pass<T>& pass);

}  // namespace beeld
