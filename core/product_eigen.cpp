// The work is already spread over pictures; Eigen must not start OpenMP threads below that.
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>

#include "core/product.h"

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

/// The plain definition of a product; the fast one beside it must agree (tests/core/product_test.cpp).
template <class T>
void product_plain(ProductShape shape, T alpha, Operand<T> a, Operand<T> b, Layout b_layout, T* c,
                   std::int64_t c_stride) {
  Eigen::Map<RowMajor<T>, 0, Eigen::OuterStride<>> result(c, shape.m, shape.n,
                                                          Eigen::OuterStride<>(c_stride));
  const auto left = view(a, shape.m, shape.k);
  if (b_layout == Layout::transposed) {
    result.noalias() = alpha * left * view(b, shape.n, shape.k).transpose();
  } else {
    result.noalias() = alpha * left * view(b, shape.k, shape.n);
  }
}

template void product_plain(ProductShape, float, Operand<float>, Operand<float>, Layout, float*,
                            std::int64_t);

template <>
void product(ProductShape shape, double alpha, Operand<double> a, Operand<double> b, Layout b_layout,
             double* c, std::int64_t c_stride) {
  product_plain(shape, alpha, a, b, b_layout, c, c_stride);
}

#ifndef BEELD_ONEDNN
template <>
void product(ProductShape shape, float alpha, Operand<float> a, Operand<float> b, Layout b_layout, float* c,
             std::int64_t c_stride) {
  product_plain(shape, alpha, a, b, b_layout, c, c_stride);
}

std::shared_ptr<const PackedMatrix> pack(const float*, std::int64_t, std::int64_t) { return nullptr; }
#endif

}  // namespace beeld
