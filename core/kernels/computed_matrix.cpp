#include "core/kernels/computed_matrix.h"

#include <beeld/error.h>

#include <string>
#include <utility>

namespace beeld {

ComputedMatrix::ComputedMatrix(Shape shape, Rows rows) : shape_(shape), rows_(std::move(rows)) {}

void ComputedMatrix::check(std::int64_t begin, std::int64_t end) const {
  if (begin >= 0 && begin <= end && end <= shape_[0]) return;
  throw Error(ErrorCode::invalid_argument, "[weight] rows " + std::to_string(begin) + " to " +
                                               std::to_string(end) + " of a computed matrix " +
                                               shape_.string());
}

ComputedMatrix ComputedMatrix::slice(std::int64_t begin, std::int64_t end) const {
  check(begin, end);
  return {{end - begin, shape_[1]}, [rows = rows_, begin](std::int64_t first, std::int64_t last) {
            return rows(begin + first, begin + last);
          }};
}

Tensor<float> ComputedMatrix::read(std::int64_t begin, std::int64_t end) const {
  check(begin, end);
  return rows_(begin, end);
}

}  // namespace beeld
