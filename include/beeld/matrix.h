#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace beeld {

/// Rows of float32 values, row-major: embeddings `[N,D]`, logits `[N,K]`.
struct Matrix {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<float> values;  ///< size rows * columns

  Matrix() = default;
  Matrix(std::size_t rows_, std::size_t columns_)
      : rows(rows_), columns(columns_), values(rows_ * columns_) {}

  std::span<float> operator[](std::size_t row) { return {values.data() + row * columns, columns}; }
  std::span<const float> operator[](std::size_t row) const {
    return {values.data() + row * columns, columns};
  }
};

/// Scales every row to unit length; rows of length zero stay as they are.
void normalize_rows(Matrix& matrix);

/// Inner product of two vectors of the same length: the cosine where both have unit length.
float dot(std::span<const float> a, std::span<const float> b);

}  // namespace beeld
