#pragma once

#include <cstdint>

namespace beeld {

/// A map of places and channels, and the weights of every channel for the window that moves over it. Its
/// plain definition is convolve_plain().
struct DepthwiseMap {
  const float* x = nullptr;  ///< [height, width, channels]
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
  const float* taps = nullptr;  ///< [edge*edge, channels]
  const float* bias = nullptr;  ///< [channels], or null
  std::int64_t edge = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  std::int64_t steps = 0;  ///< along a row
};

/// The window's sums at all its steps along output row `row`: y [steps, channels].
void depthwise_row(const DepthwiseMap& map, std::int64_t row, float* y);

}  // namespace beeld
