#pragma once

#include "core/tensor/pass.h"
#include "core/tensor/tensor.h"

namespace beeld {

/// Which of the first 2P channels of a head turn together.
enum class RotaryPairs {
  half_split,   ///< i and i + P
  interleaved,  ///< 2i and 2i + 1
};

/// The angles by which the pairs of each row turn, as their cosines and sines, which an attention factor may
/// stretch.
template <class T>
struct Rotation {
  Tensor<T> cosines;  // [N,P]
  Tensor<T> sines;    // [N,P]

  bool empty() const { return cosines.empty(); }
};

/// The heads [H*D] in the first columns of a row.
struct RotaryHeads {
  std::int64_t heads = 0;  ///< H
  std::int64_t width = 0;  ///< D, at least 2P: what is left is not turned
  RotaryPairs pairs = RotaryPairs::half_split;
};

/// Turns the pairs of every head by the angles of its row, in place where nobody else holds the values
/// (Su et al. 2021): [N, H*D and more] -> the same. Throws Error(invalid_argument) where they do not fit.
template <class T>
Tensor<T> rotate(Tensor<T> x, const Rotation<T>& rotation, const RotaryHeads& heads, Pass<T>& pass);

}  // namespace beeld
