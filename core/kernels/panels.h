#pragma once

#include <beeld/weight_type.h>

#include <cstdint>

#include "core/kernels/product.h"

namespace beeld {

/// Weights [N,K] of a product in the order that it reads them: panels of `panel_columns()` outputs, the last
/// one filled with zeros. A panel holds [K/together][columns][together] values. int8 weights are rotated
/// along K (core/kernels/quantize.h).
struct Panels {
  WeightType type = WeightType::f32;
  std::int64_t n = 0, k = 0;
  std::int64_t together = 1;  ///< of int8 weights 4 where bytes are multiplied by bytes, or 2; else 1
  const void* values = nullptr;
  /// Of int8 weights, padded to whole panels: what a value stands for, and the sum of an output's values.
  const float* scales = nullptr;
  const float* sums = nullptr;
};

/// Two vectors of floats, as wide as the processor's.
std::int64_t panel_columns();

/// y = activation(x W^T + bias), or y += x W^T + bias, in some columns of y [M,N], which begin at a panel.
///
/// Blocked as in Goto & van de Geijn 2008, "Anatomy of High-Performance Matrix Multiplication"; while a panel
/// is multiplied with the last rows that it serves, the next one is on its way from memory.
void multiply_panels(const Panels& weights, const Multiplication& with, Columns columns);

}  // namespace beeld
