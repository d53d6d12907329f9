#include "core/gradient_kernels.h"
#include "core/isa.h"
#include "core/onednn.h"
#include "core/packed_matrix.h"
#include "core/quantize.h"
#include "core/tensor.h"

namespace beeld {

namespace {

/// Weights and activations in 8 bits, multiplied as integers; sums are exact, and scaled as floats.
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
    held_ = Tensor<float>({(product_.values() + 3) / 4});
    product_.order(rounded.data(), held_.data());
  }

  std::int64_t panel() const override { return product_.panel(); }

  void multiply(const Multiplication& with, Columns columns) const override {
    const auto count = columns.count();
    std::vector<RowScale> rows(static_cast<std::size_t>(with.rows));
    Tensor<float> bytes({(with.rows * k_ + 3) / 4}), products({with.rows, count});
    auto* x = reinterpret_cast<std::uint8_t*>(bytes.data());
    for (std::int64_t i = 0; i < with.rows; ++i)
      rows[static_cast<std::size_t>(i)] = quantize_row(with.x + i * k_, k_, x + i * k_);

    const auto* weights = reinterpret_cast<const std::int8_t*>(held_.data()) +
                          columns.begin / panel() * product_.panel_values();
    product_.multiply(with.rows, columns, {x, weights, nullptr, products.data()}, {});

    const ColumnScales scales{scales_.data() + columns.begin, sums_.data() + columns.begin,
                              with.bias ? with.bias + columns.begin : nullptr};
    for (std::int64_t i = 0; i < with.rows; ++i) {
      float* row = products.row(i);
      float* y = with.y + i * n_ + columns.begin;
      const auto scale = rows[static_cast<std::size_t>(i)];
      dequantize_row(row, count, scale, scales, with.epilogue.add_to_output ? row : y);
      if (with.epilogue.add_to_output) {
        activate_values(row, count, with.epilogue.activation, row);
        add_values(row, count, y);
      } else {
        activate_values(y, count, with.epilogue.activation, y);
      }
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
