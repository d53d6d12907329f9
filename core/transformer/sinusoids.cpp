#include "core/transformer/sinusoids.h"

#include <beeld/error.h>

#include <cmath>
#include <string>

namespace beeld {

template <class T>
Tensor<T> sinusoids(std::int64_t positions, std::int64_t width, SinusoidOrder order) {
  if (width < 2 || width % 2 != 0)
    throw Error(ErrorCode::invalid_argument, "[sinusoids] an even width, not " + std::to_string(width));
  const auto half = width / 2;
  Tensor<T> table({positions, width});
  for (std::int64_t position = 0; position < positions; ++position) {
    T* row = table.row(position);
    for (std::int64_t i = 0; i < half; ++i) {
      const double exponent = -2 * static_cast<double>(i) / static_cast<double>(width);
      const double angle = static_cast<double>(position) * std::pow(10000, exponent);
      const bool halves = order == SinusoidOrder::halves;
      row[halves ? i : 2 * i] = static_cast<T>(std::sin(angle));
      row[halves ? half + i : 2 * i + 1] = static_cast<T>(std::cos(angle));
    }
  }
  return table;
}

template Tensor<float> sinusoids(std::int64_t, std::int64_t, SinusoidOrder);
template Tensor<double> sinusoids(std::int64_t, std::int64_t, SinusoidOrder);

}  // namespace beeld
