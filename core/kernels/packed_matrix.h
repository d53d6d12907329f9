#pragma once

#include <beeld/weight_type.h>

#include <functional>
#include <string_view>

#include "core/kernels/product.h"
#include "core/tensor/buffer.h"
#include "core/tensor/tensor.h"

namespace beeld {

/// A weight matrix [N,K], held in the order that products read it and in as many bits as wanted. Const and
/// safe for concurrent use.
class PackedMatrix {
 public:
  /// Rows [begin,end) of the weight: [end-begin,K]. It is read a panel at a time, so that it need not be in
  /// memory as a whole.
  using ReadRows = std::function<Tensor<float>(std::int64_t begin, std::int64_t end)>;
  PackedMatrix(Shape shape, const ReadRows& read, WeightType type);
  PackedMatrix(const Tensor<float>& weight, WeightType type);

  Shape shape() const { return {n_, k_}; }

  /// y = activation(x W^T + bias), or y += x W^T + bias, in some columns of y [M,N]; they begin at a multiple
  /// of panel(), and end at one or at N.
  void multiply(const Multiplication& with, Columns columns) const;

  static std::int64_t panel();

 private:
  template <class Held, class Convert>
  void hold(const ReadRows& read, const Convert& convert);
  void hold_bytes(const ReadRows& read);

  WeightType type_;
  std::int64_t n_, k_, together_ = 1;
  Buffer held_;                  // panels of values of that type: see Panels
  Tensor<float> scales_, sums_;  // of int8
};

/// As `--weights` calls it.
std::string_view name_of(WeightType type);

}  // namespace beeld
