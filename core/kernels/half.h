#pragma once

#include <cstdint>

namespace beeld {

/// The float16 (IEEE 754 binary16) nearest to `value`, ties to even.
std::uint16_t to_half(float value);

/// Exact.
float from_half(std::uint16_t half);

}  // namespace beeld
