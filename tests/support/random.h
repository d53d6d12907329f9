#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include "core/tensor/tensor.h"

namespace beeld::testing {

/// Normally distributed values, the same for the same seed everywhere.
template <class T>
Tensor<T> random_tensor(Shape shape, std::uint64_t seed, double deviation = 1) {
  std::mt19937_64 generator(seed);
  Tensor<T> result(shape);
  for (std::int64_t i = 0; i < result.size(); ++i) {
    // The sum of twelve uniforms is near enough to a normal, and exact on every platform.
    double sum = -6;
    for (int k = 0; k < 12; ++k) sum += static_cast<double>(generator() >> 11) / 9007199254740992.0;
    result.data()[i] = static_cast<T>(sum * deviation);
  }
  return result;
}

/// The largest absolute difference; infinite where the shapes differ or a value is not a number.
template <class A, class B>
double difference(const Tensor<A>& a, const Tensor<B>& b) {
  if (a.shape() != b.shape()) return std::numeric_limits<double>::infinity();
  double largest = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) {
    const double apart = std::abs(static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i]));
    if (!(apart <= largest)) largest = std::isnan(apart) ? std::numeric_limits<double>::infinity() : apart;
  }
  return largest;
}

/// The same values in double.
inline Tensor<double> widened(const Tensor<float>& x) {
  if (x.empty()) return {};
  Tensor<double> result(x.shape());
  for (std::int64_t i = 0; i < x.size(); ++i) result.data()[i] = static_cast<double>(x.data()[i]);
  return result;
}

}  // namespace beeld::testing
