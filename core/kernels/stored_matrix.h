#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/kernels/product.h"
#include "core/tensor/dtype.h"
#include "core/tensor/tensor.h"

namespace beeld {

/// A matrix as it lies in a file.
struct StoredPart {
  DType dtype = DType::f32;  ///< a floating type
  Layout layout = Layout::normal;
  std::int64_t rows = 0,
               columns = 0;     ///< of the matrix that is meant; transposed: the file has [columns,rows]
  std::byte* values = nullptr;  ///< row-major, at any alignment
  std::shared_ptr<const void> owner;  ///< keeps them alive
};

/// A matrix [N,K] that stays in its file, in the file's type, and is read as float32 where it is needed: one
/// of the file's, or several with their rows below each other (keys and values). A handle; const and safe for
/// concurrent use.
class StoredMatrix {
 public:
  /// Throws Error(invalid_argument) where the parts do not fit below each other.
  explicit StoredMatrix(std::vector<StoredPart> parts);

  Shape shape() const { return {end_ - begin_, parts_.front().columns}; }

  /// Rows [begin,end).
  StoredMatrix slice(std::int64_t begin, std::int64_t end) const;

  /// Rows [begin,end) as float32: [end-begin,K]. They are the file's own memory where they lie there as such.
  Tensor<float> read(std::int64_t begin, std::int64_t end) const;

  /// The same into [end-begin,K] values.
  void read_into(std::int64_t begin, std::int64_t end, float* to) const;

 private:
  void check(std::int64_t begin, std::int64_t end) const;

  std::vector<StoredPart> parts_;
  std::int64_t begin_ = 0, end_ = 0;  // of the rows of all parts
};

}  // namespace beeld
