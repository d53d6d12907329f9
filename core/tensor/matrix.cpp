#include <beeld/matrix.h>

#include "core/tensor/unit_length.h"

namespace beeld {

float dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return static_cast<float>(sum);
}

void normalize_rows(Matrix& matrix) {
  for (std::size_t row = 0; row < matrix.rows; ++row) scale_to_unit(matrix[row]);
}

}  // namespace beeld
