#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace beeld {

/// Bits behind the point of a resampling weight: 32 less 8 of a sample and 2 for overshoot.
constexpr int weight_bits = 32 - 8 - 2;
constexpr std::int32_t half_weight = 1 << (weight_bits - 1);

/// A sum of weighted samples rounded to a sample.
inline std::uint8_t to_sample(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> weight_bits, 0, 255));
}

struct Weights;

/// Both parts of each weight, two neighbours to a 32-bit word, for the vector kernels: weights of 23 bits do
/// not fit 16-bit products, and are split as high * 2^11 + low, exactly. The two sums are joined at the end.
struct SplitWeights {
  static constexpr int low_bits = 11;

  explicit SplitWeights(const Weights& weights);

  std::vector<std::int32_t> high, low;  // [outputs, pairs of taps]
};

}  // namespace beeld
