#pragma once

#include <cmath>
#include <span>

namespace beeld {

/// Scales a vector to length 1. False where it is no longer than `shortest`, or not finite: it stays as it
/// is.
template <class T>
bool scale_to_unit(std::span<T> vector, double shortest = 0) {
  double squares = 0;
  for (const T value : vector) squares += static_cast<double>(value) * static_cast<double>(value);
  if (!(squares > shortest * shortest) || !std::isfinite(squares)) return false;
  const double scale = 1 / std::sqrt(squares);
  for (T& value : vector) value = static_cast<T>(static_cast<double>(value) * scale);
  return true;
}

}  // namespace beeld
