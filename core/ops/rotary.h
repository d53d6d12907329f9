#pragma once

#include "core/tensor/pass.h"
#include "core/tensor/tensor.h"

namespace beeld {

struct Rotary {
  std::int64_t heads = 0;       ///< H
  std::int64_t head_width = 0;  ///< D, even
  double base = 10000;
};

/// Turns channels i and i + D/2 of every head by the angle t * base^(-2i/D), t being the row's place in its
/// sequence: [N, H*D] in the first columns of x, in place (Su et al. 2021).
template <class T>
Tensor<T> rotate(Tensor<T> x, const Rotary& rotary, Pass<T>& pass);

}  // namespace beeld
