#include "core/kernels/half.h"

#include <bit>
#include <cmath>

namespace beeld {

// binary16: 1 sign, 5 exponent (bias 15) and 10 fraction bits; binary32: 1, 8 (bias 127) and 23.
std::uint16_t to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000;
  const float magnitude = std::fabs(value);
  if (!(magnitude < 65520.0F)) {  // rounds to infinity, or is infinite or not a number
    return static_cast<std::uint16_t>(sign | (std::isnan(value) ? 0x7e00 : 0x7c00));
  }
  // Adding a power of two whose last place is the wanted one rounds as the processor does, to even.
  if (magnitude < 0x1p-14F) {
    const auto steps = static_cast<std::uint32_t>(magnitude * 0x1p24F + 0x1p23F - 0x1p23F);
    return static_cast<std::uint16_t>(sign | steps);
  }
  const std::uint32_t rebiased = (bits & 0x7fffffff) - (112U << 23);
  const std::uint32_t odd = rebiased >> 13 & 1;
  return static_cast<std::uint16_t>(sign | (rebiased + 0xfff + odd) >> 13);
}

float from_half(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16;
  const std::uint32_t exponent = half >> 10 & 31;
  const std::uint32_t fraction = half & 0x3ff;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return sign ? -magnitude : magnitude;
  }
  const std::uint32_t rebiased = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | rebiased << 23 | fraction << 13);
}

}  // namespace beeld
