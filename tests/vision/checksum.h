#pragma once

#include <cstdint>
#include <span>

namespace beeld::testing {

/// CRC-32 as zlib computes it, for comparison with checksums stored by the golden scripts.
inline std::uint32_t crc32(std::span<const std::uint8_t> bytes) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const auto byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
  }
  return ~crc;
}

}  // namespace beeld::testing
