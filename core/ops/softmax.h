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

/// The same, vectorised for float.
void softmax(float* values, std::int64_t count);
void softmax(double* values, std::int64_t count);

}  // namespace beeld
