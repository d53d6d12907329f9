#include "core/isa.h"
#include "core/onednn.h"

namespace beeld {

template <>
void product(ProductShape shape, Factors<float> factors, Operand<float> a, Operand<float> b,
             Result<float> c) {
  if (isa() == Isa::scalar) return product_plain(shape, factors, a, b, c);
  onednn_engine();  // limits the instructions before the first product
  const SequentialOpenMp sequential;
  const auto letter = [](Layout layout) { return layout == Layout::transposed ? 'T' : 'N'; };
  const auto status = dnnl_sgemm(letter(a.layout), letter(b.layout), shape.m, shape.n, shape.k, factors.alpha,
                                 a.data, a.stride, b.data, b.stride, factors.beta, c.data, c.stride);
  if (status != dnnl_success) throw Error(ErrorCode::invalid_argument, "[product] oneDNN refused the shape");
}

namespace {

class FastOrderedProduct final : public OrderedProduct {
 public:
  FastOrderedProduct(std::int64_t n, std::int64_t k) : product_(n, k, Arithmetic::floats) {}

  std::int64_t panel() const override { return product_.panel(); }
  std::int64_t panel_values() const override { return product_.panel_values(); }
  std::int64_t values() const override { return product_.values(); }

  void order(const float* weight, float* ordered) const override { product_.order(weight, ordered); }

  void multiply(const float* ordered, Columns columns, const Multiplication& with) const override {
    product_.multiply(with.rows, columns, {with.x, ordered, with.bias, with.y}, with.epilogue);
  }

 private:
  OneDnnProduct product_;
};

}  // namespace

std::shared_ptr<const OrderedProduct> fast_ordered_product(std::int64_t n, std::int64_t k) {
  if (isa() == Isa::scalar) return nullptr;
  try {
    return std::make_shared<FastOrderedProduct>(n, k);
  } catch (const dnnl::error& error) {
    throw onednn_failure(error);
  }
}

}  // namespace beeld
