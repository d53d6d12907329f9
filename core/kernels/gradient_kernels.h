#pragma once

#include <cstdint>
#include <span>

#include "core/kernels/activation.h"
#include "core/kernels/kernels.h"

namespace beeld {

// Vector code of training, beside its plain definitions in the operations.

/// y = f(z), element by element. y may be z.
void activate_values(const float* z, std::int64_t count, Activation activation, float* y);

/// dz = dy * f'(z). dz may be dy.
void activate_values_backward(std::span<const float> z, const float* dy, Activation activation, float* dz);

/// The gradient of a normalised row: dx is written, the gradients of gain and bias are added to.
struct NormRowGradient {
  const float* dy;  // [C]
  float* dx;        // [C]
  float* gain;      // [C]
  float* bias;      // [C], or null
};
void layer_norm_row_backward(const NormRow& row, const NormRowGradient& gradient);
void rms_norm_row_backward(const NormRow& row, const NormRowGradient& gradient);

/// y += x, element by element.
void add_values(const float* x, std::int64_t count, float* y);

}  // namespace beeld
