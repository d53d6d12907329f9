#include "core/ops/rotary.h"

#include <cmath>

#include "core/tensor/tape.h"

namespace beeld {

namespace {

/// Turns every pair of channels by its angle, or back by it.
enum class Turn { forward = 1, back = -1 };

template <class T>
void turn(Tensor<T>& x, const Rotary& rotary, const Sequences& sequences, Turn direction) {
  const auto half = rotary.head_width / 2;
  for (std::int64_t b = 0; b < sequences.count(); ++b) {
    for (std::int64_t t = 0; t < sequences.length(b); ++t) {
      T* row = x.row(sequences.begin[b] + t);
      for (std::int64_t i = 0; i < half; ++i) {
        const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(rotary.head_width);
        const double angle =
            static_cast<double>(direction) * static_cast<double>(t) * std::pow(rotary.base, exponent);
        const T cosine = static_cast<T>(std::cos(angle)), sine = static_cast<T>(std::sin(angle));
        for (std::int64_t h = 0; h < rotary.heads; ++h) {
          T& first = row[h * rotary.head_width + i];
          T& second = row[h * rotary.head_width + half + i];
          const T turned = first * cosine - second * sine;
          second = second * cosine + first * sine;
          first = turned;
        }
      }
    }
  }
}

}  // namespace

template <class T>
Tensor<T> rotate(Tensor<T> x, const Rotary& rotary, Pass<T>& pass) {
  const auto before = x.identity();
  auto y = x.unique() ? std::move(x) : x.clone();
  turn(y, rotary, pass.sequences, Turn::forward);
  if (auto* tape = pass.tape) {
    tape->record(y, {before}, [=, sequences = pass.sequences](const Tensor<T>& dy) {
      // A rotation's inverse is its transpose.
      auto dx = dy.clone();
      turn(dx, rotary, sequences, Turn::back);
      tape->add(before, dx);
    });
  }
  return y;
}

template Tensor<float> rotate(Tensor<float>, const Rotary&, Pass<float>&);
template Tensor<double> rotate(Tensor<double>, const Rotary&, Pass<double>&);

}  // namespace beeld
