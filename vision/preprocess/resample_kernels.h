#pragma once

#include <algorithm>
#include <cstdint>

namespace beeld {

/// Bits behind the point of a resampling weight: 32 less 8 of a sample and 2 for overshoot.
constexpr int weight_bits = 32 - 8 - 2;
constexpr std::int32_t half_weight = 1 << (weight_bits - 1);

/// A sum of weighted samples rounded to a sample.
inline std::uint8_t to_sample(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> weight_bits, 0, 255));
}

}  // namespace beeld
