#include "core/gradient_kernels.h"
#include "core/isa.h"
#include "core/onednn.h"
#include "core/packed_matrix.h"
#include "core/quantize.h"
#include "core/tensor.h"

namespace beeld {

namespace {

/// Weights in 8 bits, activations in twice 8, multiplied as integers; sums are exact, and scaled as floats.
/// (Activations of 8 bits alone cost more than the weights do: their largest channels set the step for all.)
class IntegerMatrix final : public PackedMatrix {
 public:
  IntegerMatrix(const float* weight, std::int64_t n, std::int64_t k)
      : n_(n), k_(k), product_(n, k, Arithmetic::integers), scales_({n}), sums_({n}) {
    std::vector<std::int8_t> rounded(static_cast<std::size_t>(n * k));
    quantize_weights(weight, n, k, rounded.data(), scales_.data());
    for (std::int64_t i = 0; i < n; ++i) {
      std::int64_t sum = 0;
      for (std::int64_t j = 0; j < k; ++j) sum += rounded[static_cast<std::size_t>(i * k + j)];
      sums_.data()[i] = static_cast<float>(sum);
    }
    held_ = Tensor<float>::lasting({(product_.values() + 3) / 4});
    product_.order(rounded.data(), held_.data());
  }

  std::int64_t panel() const override { return product_.panel(); }

  void multiply(const Multiplication& with, Columns columns) const override {
    // The coarse rows, then the fine ones: one product serves both.
    const auto count = columns.count(), m = with.rows;
    std::vector<RowScale> rows(static_cast<std::size_t>(m));
    Tensor<float> bytes({(2 * m * k_ + 3) / 4}), products({2 * m, count});
    auto* x = reinterpret_cast<std::uint8_t*>(bytes.data());
    for (std::int64_t i = 0; i < m; ++i)
      rows[static_cast<std::size_t>(i)] = quantize_row(with.x + i * k_, k_, {x + i * k_, x + (m + i) * k_});

    const auto* weights = reinterpret_cast<const std::int8_t*>(held_.data()) +
                          columns.begin / panel() * product_.panel_values();
    product_.multiply(2 * m, columns, {x, weights, nullptr, products.data()}, {});

    const ColumnScales scales{scales_.data() + columns.begin, sums_.data() + columns.begin,
                              with.bias ? with.bias + columns.begin : nullptr};
    for (std::int64_t i = 0; i < m; ++i) {
      float* row = products.row(i);
      float* y = with.y + i * n_ + columns.begin;
      float* result = with.epilogue.add_to_output ? row : y;
      dequantize_row({row, products.row(m + i)}, count, rows[static_cast<std::size_t>(i)], scales, result);
      activate_values(result, count, with.epilogue.activation, result);
      if (with.epilogue.add_to_output) add_values(row, count, y);
    }
  }

 private:
  std::int64_t n_, k_;
  OneDnnProduct product_;
  Tensor<float> scales_, sums_;  // [N]
  Tensor<float> held_;           // int8 values, in memory that is aligned
};

bool multiplies_integers() {
  if (isa() != Isa::best) return false;
  onednn_engine();
  const auto vnni = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_vnni);
  return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & vnni) == vnni;
}

}  // namespace

std::shared_ptr<const PackedMatrix> pack_integers(const float* weight, std::int64_t n, std::int64_t k) {
  if (!multiplies_integers()) return nullptr;
  try {
    return std::make_shared<IntegerMatrix>(weight, n, k);
  } catch (const dnnl::error& error) {
    throw onednn_failure(error);
  }
}

}  // namespace beeld
