#pragma once

#include <cmath>
#include <cstdint>

namespace beeld {

/// Numbers that look random and follow from a seed, the same with every compiler and standard library:
/// SplitMix64 (Steele, Lea and Flood 2014), a 64-bit counter whose every value is scrambled.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  /// 64 random bits.
  std::uint64_t next() { return scrambled(state_ += 0x9E3779B97F4A7C15u); }

  /// Uniform in [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

  /// Uniform in [low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }

  /// Uniform in {0, ..., n - 1}, without bias; `n` is at least 1.
  std::uint64_t below(std::uint64_t n) {
    // Values under 2^64 mod n are drawn anew, so that every remainder stands for equally many.
    const std::uint64_t surplus = (0 - n) % n;
    std::uint64_t value = next();
    while (value < surplus) value = next();
    return value % n;
  }

  /// Normal with mean 0 and variance 1, by the polar method of Marsaglia and Bray (1964).
  double normal() {
    while (true) {
      const double x = 2 * uniform() - 1;
      const double y = 2 * uniform() - 1;
      const double square = x * x + y * y;
      if (square > 0 && square < 1) return x * std::sqrt(-2 * std::log(square) / square);
    }
  }

  /// SplitMix64's scrambling of one value: a bijection.
  static constexpr std::uint64_t scrambled(std::uint64_t value) {
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9u;
    value = (value ^ value >> 27) * 0x94D049BB133111EBu;
    return value ^ value >> 31;
  }

 private:
  std::uint64_t state_;
};

/// A seed for one stream of many: mix(seed, epoch, sample) and the like. The order of the parts matters.
template <class... Parts>
constexpr std::uint64_t mix(std::uint64_t seed, Parts... parts) {
  ((seed = Random::scrambled(seed + 0x9E3779B97F4A7C15u) ^ static_cast<std::uint64_t>(parts)), ...);
  return Random::scrambled(seed + 0x9E3779B97F4A7C15u);
}

/// Fisher and Yates: every order is equally likely.
template <class Items>
void shuffle(Items& items, Random& random) {
  using std::swap;
  for (auto left = static_cast<std::uint64_t>(items.size()); left > 1; --left)
    swap(items[left - 1], items[random.below(left)]);
}

}  // namespace beeld
