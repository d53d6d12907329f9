#pragma once

#include <cstdint>

#include "core/ops/activation.h"

namespace beeld {

/// rows [M,N] = activation(rows + bias), in place, bias [N] or null: what a fused product does in registers.
template <class T>
void add_bias_and_activate(T* rows, std::int64_t m, std::int64_t n, const T* bias, Activation activation) {
  for (std::int64_t i = 0; i < m; ++i) {
    T* row = rows + i * n;
    for (std::int64_t j = 0; bias && j < n; ++j) row[j] += bias[j];
    if (activation == Activation::identity) continue;
    for (std::int64_t j = 0; j < n; ++j) row[j] = activate(row[j], activation);
  }
}

}  // namespace beeld
