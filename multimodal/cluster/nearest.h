#pragma once

#include <beeld/matrix.h>

#include <vector>

namespace beeld {

/// The nearest candidate of every row.
struct Nearest {
  std::vector<std::size_t> index;  ///< [N]; of equal ones the first
  std::vector<float> cosine;       ///< [N]
};

/// For unit rows `[N,D]` and at least one candidate `[M,D]`. The result does not depend on the number of
/// threads.
Nearest nearest_rows(const Matrix& rows, const Matrix& candidates);

}  // namespace beeld
