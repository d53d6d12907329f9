#include <beeld/matrix.h>

#include <cmath>

namespace beeld {

float dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return static_cast<float>(sum);
}

void normalize_rows(Matrix& matrix) {
  for (std::size_t row = 0; row < matrix.rows; ++row) {
    double squares = 0;
    for (const float value : matrix[row]) squares += static_cast<double>(value) * static_cast<double>(value);
    if (squares == 0) continue;
    const double scale = 1 / std::sqrt(squares);
    for (float& value : matrix[row]) value = static_cast<float>(value * scale);
  }
}

}  // namespace beeld
