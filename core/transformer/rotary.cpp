#include "core/transformer/rotary.h"

#include <beeld/error.h>

#include <cmath>
#include <numbers>
#include <string>

namespace beeld {

namespace {

/// A base that grows with the length so that the fastest pair stays as it is and the slowest one is
/// interpolated.
double dynamic_base(const RotaryConfig& config, RotaryBase rotary, std::int64_t length) {
  if (length <= config.original_length) return rotary.base;
  const double stretch = static_cast<double>(length) / static_cast<double>(config.original_length);
  const double width = rotary.width;
  return rotary.base * std::pow(config.factor * stretch - (config.factor - 1), width / (width - 2));
}

/// A frequency that is divided by the factor where it turns too seldom in the original length to have been
/// learned, and mixed with that up to where it turns often enough.
double scaled_by_wavelength(double inverse, const RotaryConfig& config) {
  const double turns = static_cast<double>(config.original_length) * inverse / (2 * std::numbers::pi);
  if (turns > config.fast_factor) return inverse;
  if (turns < config.slow_factor) return inverse / config.factor;
  const double share = (turns - config.slow_factor) / (config.fast_factor - config.slow_factor);
  return (1 - share) * inverse / config.factor + share * inverse;
}

void check(const RotaryConfig& config, RotaryBase rotary) {
  const auto fail = [](const std::string& what) {
    throw Error(ErrorCode::invalid_argument, "[rotary] " + what);
  };
  if (rotary.width <= 0 || rotary.width % 2 != 0)
    fail("an even number of channels turns, not " + std::to_string(rotary.width));
  if (!(rotary.base > 0)) fail("a base of " + std::to_string(rotary.base));
  if (config.scaling == RotaryScaling::none) return;
  if (config.scaling != RotaryScaling::longrope && !(config.factor > 0))
    fail("a scaling factor of " + std::to_string(config.factor));
  if (config.scaling != RotaryScaling::linear && config.original_length < 1)
    fail("a scaling needs the original length, got " + std::to_string(config.original_length));
  if (config.scaling == RotaryScaling::dynamic && rotary.width < 4) fail("dynamic scaling of a single pair");
  if (config.scaling == RotaryScaling::by_wavelength && !(config.fast_factor > config.slow_factor))
    fail("the fast factor must exceed the slow one");
  const auto pairs = static_cast<std::size_t>(rotary.width / 2);
  if (config.scaling != RotaryScaling::longrope) return;
  for (const auto* factors : {&config.short_factors, &config.long_factors}) {
    if (factors->size() != pairs)
      fail(std::to_string(factors->size()) + " factors for " + std::to_string(pairs) + " pairs");
    for (const double factor : *factors) {
      if (!(factor > 0)) fail("a factor of " + std::to_string(factor));
    }
  }
}

/// Cosines and sines of N times P angles, angle(row, pair).
template <class T, class Angle>
Rotation<T> rotation_of(std::int64_t rows, std::int64_t pairs, double factor, const Angle& angle) {
  Rotation<T> result{Tensor<T>({rows, pairs}), Tensor<T>({rows, pairs})};
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t p = 0; p < pairs; ++p) {
      const double turn = angle(static_cast<std::size_t>(i), static_cast<std::size_t>(p));
      result.cosines.row(i)[p] = static_cast<T>(factor * std::cos(turn));
      result.sines.row(i)[p] = static_cast<T>(factor * std::sin(turn));
    }
  }
  return result;
}

}  // namespace

RotaryFrequencies rotary_frequencies(RotaryBase rotary) {
  RotaryFrequencies frequencies;
  for (int i = 0; i < rotary.width; i += 2)
    frequencies.inverse.push_back(std::pow(rotary.base, -static_cast<double>(i) / rotary.width));
  return frequencies;
}

double longrope_attention_factor(double factor, std::int64_t original_length) {
  if (factor <= 1) return 1;
  return std::sqrt(1 + std::log(factor) / std::log(static_cast<double>(original_length)));
}

RotaryFrequencies rotary_frequencies(const RotaryConfig& config, int head_width, std::int64_t length) {
  RotaryBase rotary{config.width == 0 ? head_width : config.width, config.base};
  check(config, rotary);
  if (rotary.width > head_width) {
    throw Error(ErrorCode::invalid_argument, "[rotary] " + std::to_string(rotary.width) +
                                                 " channels cannot turn in heads of " +
                                                 std::to_string(head_width));
  }
  if (config.scaling == RotaryScaling::dynamic) rotary.base = dynamic_base(config, rotary, length);
  auto frequencies = rotary_frequencies(rotary);
  const auto& factors = length > config.original_length ? config.long_factors : config.short_factors;
  for (std::size_t i = 0; i < frequencies.inverse.size(); ++i) {
    auto& inverse = frequencies.inverse[i];
    if (config.scaling == RotaryScaling::linear) inverse /= config.factor;
    if (config.scaling == RotaryScaling::by_wavelength) inverse = scaled_by_wavelength(inverse, config);
    if (config.scaling == RotaryScaling::longrope) inverse /= factors[i];
  }
  if (config.scaling == RotaryScaling::longrope) frequencies.attention_factor = config.attention_factor;
  return frequencies;
}

template <class T>
Rotation<T> rotation(const Sequences& sequences, const RotaryFrequencies& frequencies) {
  std::vector<double> positions;
  for (const auto& sequence : sequences) {
    for (auto position = sequence.first; position < sequence.next(); ++position)
      positions.push_back(static_cast<double>(position));
  }
  return rotation_of<T>(static_cast<std::int64_t>(positions.size()),
                        static_cast<std::int64_t>(frequencies.inverse.size()), frequencies.attention_factor,
                        [&](std::size_t i, std::size_t p) { return positions[i] * frequencies.inverse[p]; });
}

template <class T>
Rotation<T> rotation(std::span<const RotaryPlace> places, const RotaryFrequencies& frequencies) {
  const auto half = frequencies.inverse.size();
  return rotation_of<T>(static_cast<std::int64_t>(places.size()), static_cast<std::int64_t>(2 * half),
                        frequencies.attention_factor, [&](std::size_t i, std::size_t p) {
                          return p < half ? places[i].row * frequencies.inverse[p]
                                          : places[i].column * frequencies.inverse[p - half];
                        });
}

std::vector<RotaryPlace> grid_places(int rows, int columns, int reference) {
  std::vector<RotaryPlace> places;
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c) {
      places.push_back(
          {static_cast<double>(r) * reference / rows, static_cast<double>(c) * reference / columns});
    }
  }
  return places;
}

std::vector<RotaryPlace> centered_grid_places(int rows, int columns) {
  const auto middle = [](int i, int count) { return 2 * std::numbers::pi * (2 * (i + 0.5) / count - 1); };
  std::vector<RotaryPlace> places;
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c) places.push_back({middle(r, rows), middle(c, columns)});
  }
  return places;
}

template Rotation<float> rotation(const Sequences&, const RotaryFrequencies&);
template Rotation<double> rotation(const Sequences&, const RotaryFrequencies&);
template Rotation<float> rotation(std::span<const RotaryPlace>, const RotaryFrequencies&);
template Rotation<double> rotation(std::span<const RotaryPlace>, const RotaryFrequencies&);

}  // namespace beeld
