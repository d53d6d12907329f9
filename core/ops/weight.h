#pragma once

#include <memory>
#include <variant>

#include "core/kernels/computed_matrix.h"
#include "core/kernels/packed_matrix.h"
#include "core/kernels/stored_matrix.h"
#include "core/tensor/pass.h"
#include "core/tensor/tensor.h"

namespace beeld {

/// A matrix [N,K] that a model has learned: the weight [out,in] of a product, or a table [V,C] whose rows are
/// gathered. It is absent, or one of
///   plain     values in memory, the only ones that have a gradient
///   packed    ordered for products, by pack()
///   stored    still in their file, in its type
///   computed  by sums of such, where they are read
/// A handle: copies share the values. Packed, stored and computed ones are of float32 models only.
template <class T>
class Weight {
 public:
  Weight() = default;
  Weight(Tensor<T> plain);  ///< Throws Error(invalid_argument) for a shape without values.
  Weight(std::shared_ptr<const PackedMatrix> packed) : form_(std::move(packed)) {}
  Weight(StoredMatrix stored) : form_(std::move(stored)) {}
  Weight(ComputedMatrix computed) : form_(std::move(computed)) {}

  bool empty() const { return std::holds_alternative<std::monostate>(form_); }
  Shape shape() const;
  std::int64_t rows() const { return shape()[0]; }
  std::int64_t columns() const { return shape()[1]; }

  /// The values in memory. Throws Error(invalid_argument) where there are none.
  Tensor<T>& plain();
  const Tensor<T>& plain() const;

  bool is_plain() const { return std::holds_alternative<Tensor<T>>(form_); }

  /// Null where the weight has another form.
  const PackedMatrix* packed() const;
  const StoredMatrix* stored() const { return std::get_if<StoredMatrix>(&form_); }
  const ComputedMatrix* computed() const { return std::get_if<ComputedMatrix>(&form_); }

  /// Rows [begin,end) of a weight that is not packed: [end-begin,K], shared where they can be. Throws
  /// Error(invalid_argument) for a packed one, which has no rows.
  Tensor<T> read(std::int64_t begin, std::int64_t end) const;
  Tensor<T> read() const { return read(0, rows()); }

  /// Rows [begin,end) as a weight of the same form. Throws as read().
  Weight slice(std::int64_t begin, std::int64_t end) const;

 private:
  const char* form() const;

  std::variant<std::monostate, Tensor<T>, std::shared_ptr<const PackedMatrix>, StoredMatrix, ComputedMatrix>
      form_;
};

/// Throws Error(invalid_argument) where an operation is recorded over a weight that has no gradient.
template <class T>
void check_recordable(const Weight<T>& weight, const Pass<T>& pass, const char* operation);

extern template class Weight<float>;
extern template class Weight<double>;

}  // namespace beeld
