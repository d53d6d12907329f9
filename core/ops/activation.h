#pragma once

#include <cmath>
#include <numbers>

#include "core/kernels/activation.h"
#include "core/tensor/pass.h"
#include "core/tensor/tensor.h"

namespace beeld {

/// f(x) of one value: the plain definition.
template <class T>
T activate(T x, Activation activation) {
  switch (activation) {
    case Activation::identity:
      return x;
    case Activation::relu:
      return x > 0 ? x : T{0};
    case Activation::gelu:
      return x / 2 * (1 + std::erf(x / std::numbers::sqrt2_v<T>));
    case Activation::gelu_tanh: {
      const T inner = std::sqrt(2 / std::numbers::pi_v<T>) * (x + T(0.044715) * x * x * x);
      return x / 2 * (1 + std::tanh(inner));
    }
    case Activation::quick_gelu:
      return x / (1 + std::exp(T(-1.702) * x));
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::tanh:
      return std::tanh(x);
  }
  return x;
}

/// f'(x) of one value: the plain definition.
template <class T>
T activation_slope(T x, Activation activation) {
  const auto swish_slope = [x](T beta) {
    const T s = 1 / (1 + std::exp(-beta * x));
    return s + beta * x * s * (1 - s);
  };
  switch (activation) {
    case Activation::identity:
      return 1;
    case Activation::relu:
      return x > 0 ? T{1} : T{0};
    case Activation::gelu:
      return (1 + std::erf(x / std::numbers::sqrt2_v<T>)) / 2 +
             x * std::exp(-x * x / 2) * std::numbers::inv_sqrtpi_v<T> / std::numbers::sqrt2_v<T>;
    case Activation::gelu_tanh: {
      const T root = std::sqrt(2 / std::numbers::pi_v<T>);
      const T t = std::tanh(root * (x + T(0.044715) * x * x * x));
      return (1 + t) / 2 + x / 2 * (1 - t * t) * root * (1 + 3 * T(0.044715) * x * x);
    }
    case Activation::quick_gelu:
      return swish_slope(T(1.702));
    case Activation::silu:
      return swish_slope(1);
    case Activation::sigmoid: {
      const T s = 1 / (1 + std::exp(-x));
      return s * (1 - s);
    }
    case Activation::tanh:
      return 1 - std::tanh(x) * std::tanh(x);
  }
  return 1;
}

/// f(x), element by element: [N,E] -> [N,E]
template <class T>
Tensor<T> activate(const Tensor<T>& x, Activation activation, Pass<T>& pass);

/// f(gate) * up, element by element: [N,E], [N,E] -> [N,E] (Shazeer 2020)
template <class T>
Tensor<T> gate(const Tensor<T>& gates, const Tensor<T>& up, Activation activation, Pass<T>& pass);

}  // namespace beeld
