#pragma once

#include <cstddef>
#include <cstdint>

#include "core/tensor/dtype.h"

namespace beeld {

// Vector code with run-time dispatch (Highway). Each function has its plain definition in the op that calls
// it, and one test compares the two.

/// values[i] = exp(values[i] - max) / sum, in place, over `count` values.
void softmax_row(float* values, std::int64_t count);

struct NormRow {
  const float* x;     // [C]
  const float* gain;  // [C]
  const float* bias;  // [C], or null
  std::int64_t width;
  float eps;
};

/// y [C] = (x - mean) / sqrt(variance + eps) * gain + bias
void layer_norm_row(const NormRow& row, float* y);

/// y [C] = x / sqrt(mean of squares + eps) * gain
void rms_norm_row(const NormRow& row, float* y);

/// Widens `count` IEEE half-precision values, at any alignment.
void widen_f16(const std::byte* from, std::size_t count, float* to);

/// Widens `count` bfloat16 values (the upper half of a float32), at any alignment.
void widen_bf16(const std::byte* from, std::size_t count, float* to);

/// Reads `count` values of a floating type (is_floating) as float32, at any alignment.
void widen(DType dtype, const std::byte* from, std::size_t count, float* to);

}  // namespace beeld
