#pragma once

#include <beeld/weight_type.h>

#include <memory>
#include <string_view>

#include "core/product.h"

namespace beeld {

/// A weight matrix [N,K], held in the order that products like and in as many bits as wanted. Const and safe
/// for concurrent use.
class PackedMatrix {
 public:
  virtual ~PackedMatrix() = default;

  /// y = activation(x W^T + bias) [+ y] in some columns of y [M,N]; they begin at a multiple of panel(), and
  /// end at one or at N.
  virtual void multiply(const Multiplication& with, Columns columns) const = 0;

  virtual std::int64_t panel() const = 0;
};

/// As `--weights` calls it.
std::string_view name_of(WeightType type);

/// Null where nothing is gained by packing.
std::shared_ptr<const PackedMatrix> pack(const float* weight, std::int64_t n, std::int64_t k,
                                         WeightType type);

/// The same with 8-bit activations; null where the processor has no products of integers.
std::shared_ptr<const PackedMatrix> pack_integers(const float* weight, std::int64_t n, std::int64_t k);

}  // namespace beeld
