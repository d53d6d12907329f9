#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/ops/rotary.h"
#include "core/tensor/sequences.h"

namespace beeld {

/// The channels of a head that turn, and the frequency of the first pair over that of the last one.
struct RotaryBase {
  int width = 0;  ///< 2P, even
  double base = 10000;
};

/// How fast each pair turns from one position to the next, and what cosines and sines are multiplied with.
struct RotaryFrequencies {
  std::vector<double> inverse;  ///< [P] angles in radians
  double attention_factor = 1;
};

/// base^(-i/P) for pair i (Su et al. 2021).
RotaryFrequencies rotary_frequencies(RotaryBase rotary);

/// Ways to read sequences that are longer than those a model was trained with.
enum class RotaryScaling {
  none,
  linear,         ///< all frequencies divided by the factor (position interpolation; Chen et al. 2023)
  dynamic,        ///< a base that grows with the length, once that exceeds the original one (NTK-aware)
  by_wavelength,  ///< slow pairs divided by the factor, fast ones left, those between in between
  longrope,       ///< a divisor for every pair, of two lists: short and long (Ding et al. 2024)
};

/// The rotary positions of a stack.
struct RotaryConfig {
  int width = 0;  ///< of the head's first channels, how many turn; 0: all
  double base = 10000;
  RotaryPairs pairs = RotaryPairs::half_split;
  RotaryScaling scaling = RotaryScaling::none;
  double factor = 1;                    ///< linear, dynamic, by_wavelength
  std::int64_t original_length = 0;     ///< what the model was trained with: dynamic, by_wavelength, longrope
  double slow_factor = 1;               ///< by_wavelength: slower than this many turns in the original length
  double fast_factor = 4;               ///< by_wavelength: faster than this many
  std::vector<double> short_factors{};  ///< [P] longrope: up to the original length
  std::vector<double> long_factors{};   ///< [P] longrope: beyond it
  double attention_factor = 1;          ///< longrope; longrope_attention_factor() where a file has none
};

/// sqrt(1 + ln(factor) / ln(original_length)), 1 where nothing is lengthened (Ding et al. 2024).
double longrope_attention_factor(double factor, std::int64_t original_length);

/// The frequencies for heads of `head_width` channels in sequences of `length` positions, on which only the
/// scalings `dynamic` and `longrope` depend. Throws Error(invalid_argument) for a configuration that has
/// none.
RotaryFrequencies rotary_frequencies(const RotaryConfig& config, int head_width, std::int64_t length);

/// The angles of every row of the sequences, position times frequency: -> [N,P]
template <class T>
Rotation<T> rotation(const Sequences& sequences, const RotaryFrequencies& frequencies);

/// Where a row stands in two dimensions; a row at the origin is not turned.
struct RotaryPlace {
  double row = 0;
  double column = 0;
};

/// The angles of rows that stand in two dimensions: the pairs' first half turns by row times frequency, the
/// second by column times frequency, each with frequencies [P/2]: -> [N,P]
template <class T>
Rotation<T> rotation(std::span<const RotaryPlace> places, const RotaryFrequencies& frequencies);

/// The places of a grid [rows*columns], row by row, as if it had `reference` rows and columns: at the size
/// that a model was trained with these are the rows and columns themselves.
std::vector<RotaryPlace> grid_places(int rows, int columns, int reference);

/// The places of a grid [rows*columns], row by row: the middles of its cells in a square from -1 to 1, times
/// 2 pi.
std::vector<RotaryPlace> centered_grid_places(int rows, int columns);

}  // namespace beeld
