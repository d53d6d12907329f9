#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace beeld {

/// softmax over `count` values, in place: the plain definition.
template <class T>
void softmax_plain(T* values, std::int64_t count) {
  const T highest = *std::max_element(values, values + count);
  T sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += values[i] = std::exp(values[i] - highest);
  for (std::int64_t i = 0; i < count; ++i) values[i] /= sum;
}

/// y = softmax(x): dx = y * (dy - sum of y dy); dy becomes dx in place.
template <class T>
void softmax_backward(const T* y, std::int64_t count, T* dy) {
  T sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += y[i] * dy[i];
  for (std::int64_t i = 0; i < count; ++i) dy[i] = y[i] * (dy[i] - sum);
}

/// The softmax, vectorised for float.
void softmax(float* values, std::int64_t count);
void softmax(double* values, std::int64_t count);

}  // namespace beeld
