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

/// Output columns [begin, end) of a product.
struct Columns {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  std::int64_t count() const { return end - begin; }
};

/// What a weight matrix [N,K] is multiplied with, and where the result goes; all of it dense.
struct Multiplication {
  const float* x;     ///< [M,K]
  std::int64_t rows;  ///< M
  const float* bias;  ///< [N], or null
  Epilogue epilogue = {};
  float* y;  ///< [M,N]
};

/// A product whose weights [N,K] lie in an order of its own: the order alone, not the weights. Const and safe
/// for concurrent use.
class OrderedProduct {
 public:
  virtual ~OrderedProduct() = default;

  /// Columns that lie together: a multiple p of this many begins at value p * panel_values().
  virtual std::int64_t panel() const = 0;
  virtual std::int64_t panel_values() const = 0;

  /// Values of all columns, padding included.
  virtual std::int64_t values() const = 0;

  /// Brings weights [N,K] into this order.
  virtual void order(const float* weight, float* ordered) const = 0;

  /// The product with some columns; `ordered` holds them alone, and `bias` and `y` [M,columns] too.
  virtual void multiply(const float* ordered, Columns columns, const Multiplication& with) const = 0;
};

/// The fastest one there is for these weights; null where the plain product needs no order.
std::shared_ptr<const OrderedProduct> fast_ordered_product(std::int64_t n, std::int64_t k);

/// By the plain product: the order is that of the rows of W.
std::shared_ptr<const OrderedProduct> plain_ordered_product(std::int64_t n, std::int64_t k);

}  // namespace beeld
