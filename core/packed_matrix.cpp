#include "core/packed_matrix.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <vector>

#include "core/epilogue.h"
#include "core/gradient_kernels.h"
#include "core/half.h"
#include "core/kernels.h"
#include "core/quantize.h"
#include "core/tensor.h"

namespace beeld {

namespace {

// As floats a chunk of widened weights stays in the second-level cache while it is multiplied.
constexpr std::int64_t chunk_values = 192 * 1024;

std::int64_t bytes_of(WeightType type) {
  if (type == WeightType::f32) return 4;
  return type == WeightType::int8 ? 1 : 2;
}

std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);  // ties to even
}

/// Adds to or writes columns of y [M,N], from a part [M,columns].
void place(const float* part, Columns columns, std::int64_t n, const Multiplication& with) {
  const auto count = columns.count();
  for (std::int64_t i = 0; i < with.rows; ++i) {
    float* row = with.y + i * n + columns.begin;
    if (with.epilogue.add_to_output) {
      add_values(part + i * count, count, row);
    } else {
      std::copy_n(part + i * count, count, row);
    }
  }
}

/// Weights in fewer bits, or in all 32; widened in chunks, and multiplied as floats.
class HeldMatrix final : public PackedMatrix {
 public:
  HeldMatrix(std::shared_ptr<const OrderedProduct> product, ProductShape shape, const float* weight,
             WeightType type)
      : product_(std::move(product)),
        n_(shape.n),
        type_(type),
        held_(Tensor<float>::lasting({storage(product_->values(), type)})) {
    if (type == WeightType::f32) {
      product_->order(weight, held_.data());
      return;
    }
    Tensor<float> ordered({product_->values()});
    if (type == WeightType::int8) {
      std::vector<std::int8_t> rounded(static_cast<std::size_t>(shape.n * shape.k));
      Tensor<float> whole({shape.n, shape.k});
      scales_.resize(static_cast<std::size_t>(shape.n));
      quantize_weights(weight, shape.n, shape.k, rounded.data(), scales_.data());
      widen_i8(rounded.data(), whole.size(), whole.data());
      product_->order(whole.data(), ordered.data());
    } else {
      product_->order(weight, ordered.data());
    }
    hold(ordered);
  }

  std::int64_t panel() const override { return product_->panel(); }

  void multiply(const Multiplication& with, Columns columns) const override {
    if (type_ == WeightType::f32 && columns.count() == n_)
      return product_->multiply(held_.data(), columns, with);
    const auto panels = std::max<std::int64_t>(chunk_values / product_->panel_values(), 1);
    const auto step = type_ == WeightType::f32 ? columns.count() : panels * panel();
    const auto most = std::min(step, columns.count());
    Tensor<float> part({with.rows, most});
    Tensor<float> widened({type_ == WeightType::f32 ? 0 : values_of({0, step})});
    for (auto begin = columns.begin; begin < columns.end; begin += step) {
      const Columns chunk{begin, std::min(begin + step, columns.end)};
      multiply_chunk(chunk, with, weights_of(chunk, widened), part.data());
      place(part.data(), chunk, n_, with);
    }
  }

 private:
  /// Floats that have room for so many values. (A tensor is aligned memory that is left unset.)
  static std::int64_t storage(std::int64_t values, WeightType type) {
    return (values * bytes_of(type) + 3) / 4;
  }

  /// The values of whole panels up to these columns' last one.
  std::int64_t values_of(Columns columns) const {
    return (columns.count() + panel() - 1) / panel() * product_->panel_values();
  }

  void hold(const Tensor<float>& ordered) {
    auto* halves = reinterpret_cast<std::uint16_t*>(held_.data());
    auto* bytes = reinterpret_cast<std::int8_t*>(held_.data());
    for (std::int64_t i = 0; i < ordered.size(); ++i) {
      const float value = ordered.data()[i];
      if (type_ == WeightType::f16) halves[i] = to_half(value);
      if (type_ == WeightType::bf16) halves[i] = to_bf16(value);
      if (type_ == WeightType::int8) bytes[i] = static_cast<std::int8_t>(value);
    }
  }

  const float* weights_of(Columns columns, Tensor<float>& widened) const {
    const auto first = columns.begin / panel() * product_->panel_values(), count = values_of(columns);
    if (type_ == WeightType::f32) return held_.data() + first;
    const auto* bytes = reinterpret_cast<const std::byte*>(held_.data()) + first * bytes_of(type_);
    const auto size = static_cast<std::size_t>(count);
    if (type_ == WeightType::f16) widen_f16(bytes, size, widened.data());
    if (type_ == WeightType::bf16) widen_bf16(bytes, size, widened.data());
    if (type_ == WeightType::int8)
      widen_i8(reinterpret_cast<const std::int8_t*>(bytes), count, widened.data());
    return widened.data();
  }

  void multiply_chunk(Columns columns, const Multiplication& with, const float* weights, float* part) const {
    const float* bias = with.bias ? with.bias + columns.begin : nullptr;
    const auto activation = with.epilogue.activation;
    if (type_ != WeightType::int8) {
      return product_->multiply(weights, columns,
                                {with.x, with.rows, bias, {.activation = activation}, part});
    }
    product_->multiply(weights, columns, {with.x, with.rows, nullptr, {}, part});
    const float* scales = scales_.data() + columns.begin;
    for (std::int64_t i = 0; i < with.rows; ++i) {
      float* row = part + i * columns.count();
      dequantize_row({row, nullptr}, columns.count(), {}, {scales, scales, bias}, row);
      activate_values(row, columns.count(), activation, row);
    }
  }

  std::shared_ptr<const OrderedProduct> product_;
  std::int64_t n_;
  WeightType type_;
  Tensor<float> held_;
  std::vector<float> scales_;  // [N], of int8
};

}  // namespace

std::string_view name_of(WeightType type) {
  switch (type) {
    case WeightType::f32:
      return "f32";
    case WeightType::f16:
      return "f16";
    case WeightType::bf16:
      return "bf16";
    case WeightType::int8:
      return "int8";
  }
  return "";
}

std::shared_ptr<const PackedMatrix> pack(const float* weight, std::int64_t n, std::int64_t k,
                                         WeightType type) {
  if (type == WeightType::int8) {
    if (auto integers = pack_integers(weight, n, k)) return integers;
  }
  auto product = fast_ordered_product(n, k);
  if (!product && type == WeightType::f32) return nullptr;
  if (!product) product = plain_ordered_product(n, k);
  return std::make_shared<HeldMatrix>(std::move(product), ProductShape{0, n, k}, weight, type);
}

}  // namespace beeld
