#pragma once

#include <cstdint>

#include "core/tensor/tensor.h"

namespace beeld {

/// Where the sines and cosines of a position stand in its row.
enum class SinusoidOrder {
  interleaved,  ///< sine and cosine of each frequency side by side (Vaswani et al. 2017)
  halves,       ///< all sines, then all cosines
};

/// A row for each position: sines and cosines of position * 10000^(-2i/C): -> [positions,C]. Throws
/// Error(invalid_argument) for an odd width.
template <class T>
Tensor<T> sinusoids(std::int64_t positions, std::int64_t width, SinusoidOrder order);

}  // namespace beeld
