#pragma once

#include <cstdint>
#include <memory>

#include "core/config.h"

namespace beeld {

/// How a factor lies in memory.
enum class Layout {
  normal,      ///< as it is multiplied
  transposed,  ///< rows as columns
};

template <class T>
struct Operand {
  const T* data;
  std::int64_t stride;  ///< elements from one stored row to the next
  Layout layout = Layout::normal;
};

template <class T>
struct Result {
  T* data;
  std::int64_t stride;
};

struct ProductShape {
  std::int64_t m, n, k;
};

template <class T>
struct Factors {
  T alpha = 1;  ///< on the product
  T beta = 0;   ///< on what the result held before; zero does not read it
};

/// C [M,N] = alpha * A [M,K] B [K,N] + beta * C, row-major. The plain definition, by Eigen, for float and
/// double.
template <class T>
void product_plain(ProductShape shape, Factors<T> factors, Operand<T> a, Operand<T> b, Result<T> c);

/// The same, by oneDNN for float where the build has it.
template <class T>
void product(ProductShape shape, Factors<T> factors, Operand<T> a, Operand<T> b, Result<T> c);

/// What is done to a product while it is still in registers: y = activation(x W^T + bias) [+ y].
struct Epilogue {
  Activation activation = Activation::identity;
  bool add_to_output = false;  ///< the output already holds a residual
};

/// A weight matrix [N,K] in the order the product wants it. Const and safe for concurrent use.
class PackedMatrix {
 public:
  virtual ~PackedMatrix() = default;

  /// y [M,N] from x [M,K], both dense; bias [N] or null.
  virtual void multiply(const float* x, std::int64_t m, const float* bias, Epilogue epilogue,
                        float* y) const = 0;
};

/// Null in a build without a packing product.
std::shared_ptr<const PackedMatrix> pack(const float* weight, std::int64_t n, std::int64_t k);

}  // namespace beeld
