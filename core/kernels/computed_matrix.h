#pragma once

#include <cstdint>
#include <functional>

#include "core/tensor/tensor.h"

namespace beeld {

/// A matrix [N,K] whose rows are computed where they are read, from weights that lie apart in their file. A
/// handle; const and safe for concurrent use.
class ComputedMatrix {
 public:
  /// Rows [begin,end) of it: [end-begin,K].
  using Rows = std::function<Tensor<float>(std::int64_t begin, std::int64_t end)>;

  ComputedMatrix(Shape shape, Rows rows);

  Shape shape() const { return shape_; }

  /// Rows [begin,end). Throws Error(invalid_argument) for rows that are not there.
  ComputedMatrix slice(std::int64_t begin, std::int64_t end) const;
  Tensor<float> read(std::int64_t begin, std::int64_t end) const;

 private:
  void check(std::int64_t begin, std::int64_t end) const;

  Shape shape_;
  Rows rows_;
};

}  // namespace beeld
