// The work is already spread over pictures; Eigen must not start OpenMP threads below that.
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>

#include "core/epilogue.h"
#include "core/packed_matrix.h"

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

namespace {

class PlainOrderedProduct final : public OrderedProduct {
 public:
  PlainOrderedProduct(std::int64_t n, std::int64_t k) : n_(n), k_(k) {}

  std::int64_t panel() const override { return 1; }
  std::int64_t panel_values() const override { return k_; }
  std::int64_t values() const override { return n_ * k_; }

  void order(const float* weight, float* ordered) const override { std::copy_n(weight, values(), ordered); }

  void multiply(const float* ordered, Columns columns, const Multiplication& with) const override {
    const auto count = columns.count();
    product<float>({with.rows, count, k_}, {.alpha = 1, .beta = with.epilogue.add_to_output ? 1.0F : 0.0F},
                   {with.x, k_}, {ordered, k_, Layout::transposed}, {with.y, count});
    add_bias_and_activate(with.y, with.rows, count, with.bias, with.epilogue.activation);
  }

 private:
  std::int64_t n_, k_;
};

}  // namespace

std::shared_ptr<const OrderedProduct> plain_ordered_product(std::int64_t n, std::int64_t k) {
  return std::make_shared<PlainOrderedProduct>(n, k);
}

#ifndef BEELD_ONEDNN
std::shared_ptr<const OrderedProduct> fast_ordered_product(std::int64_t, std::int64_t) { return nullptr; }

std::shared_ptr<const PackedMatrix> pack_integers(const float*, std::int64_t, std::int64_t) {
  return nullptr;
}
#endif

}  // namespace beeld
