#include "core/ops/rotary.h"

#include <cmath>

namespace beeld {

template <class T>
Tensor<T> rotate(Tensor<T> x, const Rotary& rotary, Pass<T>& pass) {
  auto y = x.unique() ? std::move(x) : x.clone();
  const auto half = rotary.head_width / 2;
  for (std::int64_t b = 0; b < pass.sequences.count(); ++b) {
    for (std::int64_t t = 0; t < pass.sequences.length(b); ++t) {
      T* row = y.row(pass.sequences.begin[b] + t);
      for (std::int64_t i = 0; i < half; ++i) {
        const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(rotary.head_width);
        const double angle = static_cast<double>(t) * std::pow(rotary.base, exponent);
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
  return y;
}

template Tensor<float> rotate(Tensor<float>, const Rotary&, Pass<float>&);
template Tensor<double> rotate(Tensor<double>, const Rotary&, Pass<double>&);

}  // namespace beeld
