#include "core/base/checksum.h"

#include <array>
#include <bit>
#include <cstring>

namespace beeld {

namespace {

// Odd, so that multiplying loses nothing (the constants of splitmix64).
constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;
constexpr std::uint64_t factor = 0xbf58476d1ce4e5b9;
constexpr std::uint64_t other_factor = 0x94d049bb133111eb;

constexpr std::size_t lanes = 8;
constexpr std::size_t block = lanes * sizeof(std::uint64_t);

std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30)) * factor;
  value = (value ^ (value >> 27)) * other_factor;
  return value ^ (value >> 31);
}

}  // namespace

std::uint64_t checksum(std::span<const std::byte> bytes, std::uint64_t seed) {
  std::array<std::uint64_t, lanes> sums;
  for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] = mix(seed + (lane + 1) * golden);
  const auto add = [&](const std::byte* at) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      std::uint64_t word = 0;
      std::memcpy(&word, at + lane * sizeof word, sizeof word);
      // Rotated, since in a product only the bits below an input's reach upwards.
      sums[lane] = std::rotl((sums[lane] ^ word) * factor, 29);
    }
  };
  std::size_t at = 0;
  for (; at + block <= bytes.size(); at += block) add(bytes.data() + at);
  if (at < bytes.size()) {
    std::array<std::byte, block> rest{};
    std::memcpy(rest.data(), bytes.data() + at, bytes.size() - at);
    add(rest.data());
  }
  std::uint64_t sum = bytes.size();
  for (const auto lane : sums) sum = mix(sum * golden + lane);
  return sum;
}

}  // namespace beeld
