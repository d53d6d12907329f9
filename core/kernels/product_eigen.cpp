// The work is already spread over pictures; Eigen must not start OpenMP threads below that.
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>

#include "core/kernels/product.h"

namespace beeld {

namespace {

template <class T>
using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class T>
auto view(Operand<T> operand, std::int64_t rows, std::int64_t columns) {
  return Eigen::Map<const RowMajor<T>, 0, Eigen::OuterStride<>>(operand.data, rows, columns,
                                                                Eigen::OuterStride<>(operand.stride));
}

}  // namespace

/// The plain definition of a product; the fast one beside it must agree
/// (tests/core/kernels/product_test.cpp).
template <class T>
void product_plain(ProductShape shape, Factors<T> factors, Operand<T> a, Operand<T> b, Result<T> c) {
  Eigen::Map<RowMajor<T>, 0, Eigen::OuterStride<>> result(c.data, shape.m, shape.n,
                                                          Eigen::OuterStride<>(c.stride));
  if (factors.beta == 0) {
    result.setZero();
  } else if (factors.beta != 1) {
    result *= factors.beta;
  }
  const auto add = [&](const auto& left, const auto& right) {
    result.noalias() += factors.alpha * left * right;
  };
  const bool turn_a = a.layout == Layout::transposed, turn_b = b.layout == Layout::transposed;
  const auto left = turn_a ? view(a, shape.k, shape.m) : view(a, shape.m, shape.k);
  const auto right = turn_b ? view(b, shape.n, shape.k) : view(b, shape.k, shape.n);
  if (turn_a && turn_b) {
    add(left.transpose(), right.transpose());
  } else if (turn_a) {
    add(left.transpose(), right);
  } else if (turn_b) {
    add(left, right.transpose());
  } else {
    add(left, right);
  }
}

template void product_plain(ProductShape, Factors<float>, Operand<float>, Operand<float>, Result<float>);

template <>
void product(ProductShape shape, Factors<double> factors, Operand<double> a, Operand<double> b,
             Result<double> c) {
  product_plain(shape, factors, a, b, c);
}

#ifndef BEELD_ONEDNN
template <>
void product(ProductShape shape, Factors<float> factors, Operand<float> a, Operand<float> b,
             Result<float> c) {
  product_plain(shape, factors, a, b, c);
}
#endif

}  // namespace beeld
