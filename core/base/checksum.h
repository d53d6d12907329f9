#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace beeld {

/// A checksum against damage, not against an enemy: every change within one word of 8 bytes changes it, any
/// other with a chance of 1 - 2^-64. Eight independent sums, so that memory is read as fast as it comes. The
/// same on every machine of the same byte order.
std::uint64_t checksum(std::span<const std::byte> bytes, std::uint64_t seed = 0);

}  // namespace beeld
