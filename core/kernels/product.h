#pragma once

#include <cstdint>

#include "core/kernels/activation.h"

namespace beeld {

/// How a factor lies in memory.
enum class Layout {
  normal,      ///< as it is multiplied
  transposed,  ///< rows as columns
};

template <class T>
struct Operand {
  const T* data = nullptr;
  std::int64_t stride = 0;  ///< elements from one stored row to the next
  Layout layout = Layout::normal;
};

template <class T>
struct Result {
  T* data = nullptr;
  std::int64_t stride = 0;
};

struct ProductShape {
  std::int64_t m = 0, n = 0, k = 0;
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

/// What is done to a product while it is still in the first cache: y = activation(x W^T + bias), or
/// y += x W^T + bias.
struct Epilogue {
  Activation activation = Activation::identity;
  bool add_to_output = false;  ///< the output already holds a residual; there is no activation then
};

/// Output columns [begin, end) of a product.
struct Columns {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  std::int64_t count() const { return end - begin; }
};

/// What a weight matrix [N,K] is multiplied with, and where the result goes; all of it dense.
struct Multiplication {
  const float* x = nullptr;     ///< [M,K]
  std::int64_t rows = 0;        ///< M
  const float* bias = nullptr;  ///< [N], or null
  Epilogue epilogue = {};
  float* y = nullptr;  ///< [M,N]
};

}  // namespace beeld
