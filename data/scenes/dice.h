#pragma once

#include <cstddef>
#include <cstdint>

namespace beeld::scenes {

/// SplitMix64 (Steele, Lea and Flood, 2014): one step of the generator, and a good mixer of bits by itself.
constexpr std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

/// Random numbers that are the same with every standard library, unlike std::uniform_int_distribution.
class Dice {
 public:
  explicit constexpr Dice(std::uint64_t seed) : state_(mix(seed)) {}

  constexpr std::uint64_t bits() { return mix(state_++); }
  /// 0 to n - 1.
  constexpr std::size_t below(std::size_t n) { return bits() % n; }
  constexpr double uniform(double low, double high) {
    return low + (high - low) * (static_cast<double>(bits() >> 11) * 0x1p-53);
  }
  constexpr bool chance(double probability) { return uniform(0, 1) < probability; }
  /// A value of an enum whose values are 0 to n - 1.
  template <class Enum>
  constexpr Enum pick(std::size_t n) {
    return static_cast<Enum>(below(n));
  }

 private:
  std::uint64_t state_;
};

}  // namespace beeld::scenes
