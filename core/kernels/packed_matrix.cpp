#include "core/kernels/packed_matrix.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "core/kernels/byte_tile.h"
#include "core/kernels/half.h"
#include "core/kernels/panels.h"
#include "core/kernels/quantize.h"

namespace beeld {

namespace {

std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);  // ties to even
}

std::int64_t round_up(std::int64_t count, std::int64_t step) { return (count + step - 1) / step * step; }

/// Memory for so many values. (A tensor is aligned memory.)
template <class Held>
Tensor<float> memory_for(std::int64_t values) {
  return Tensor<float>::lasting({round_up(values * static_cast<std::int64_t>(sizeof(Held)), 4) / 4});
}

/// rows [N,K] -> panels [K/together][columns][together], the end filled with zeros.
template <std::int64_t together, class Held, class From, class Convert>
void order(const From* rows, std::int64_t n, std::int64_t k, const Convert& convert, Held* panels) {
  constexpr std::int64_t stretch = 64;  // of K: its values of all columns stay in the first cache
  const auto width = panel_columns(), depth = round_up(k, together);
  for (std::int64_t first = 0; first < n; first += width, panels += width * depth) {
    for (std::int64_t begin = 0; begin < depth; begin += stretch) {
      const auto end = std::min(begin + stretch, depth);
      for (std::int64_t c = 0; c < width; ++c) {
        const From* row = first + c < n ? rows + (first + c) * k : nullptr;
        for (std::int64_t j = begin; j < end; ++j) {
          panels[(j / together * width + c) * together + j % together] =
              row && j < k ? convert(row[j]) : Held{0};
        }
      }
    }
  }
}

}  // namespace

PackedMatrix::PackedMatrix(const float* weight, std::int64_t n, std::int64_t k, WeightType type)
    : type_(type), n_(n), k_(k) {
  if (type == WeightType::f32) hold<float>(weight, [](float value) { return value; });
  if (type == WeightType::f16) hold<std::uint16_t>(weight, to_half);
  if (type == WeightType::bf16) hold<std::uint16_t>(weight, to_bf16);
  if (type == WeightType::int8) hold_bytes(weight);
}

template <class Held, class Convert>
void PackedMatrix::hold(const float* weight, const Convert& convert) {
  held_ = memory_for<Held>(round_up(n_, panel()) * k_);
  order<1>(weight, n_, k_, convert, reinterpret_cast<Held*>(held_.data()));
}

void PackedMatrix::hold_bytes(const float* weight) {
  // Vector code may be held to shorter vectors than the processor has.
  const bool by_bytes = multiplies_bytes() && panel() == byte_tile_columns && k_ <= byte_tile_depth;
  together_ = by_bytes ? 4 : 2;
  const auto padded = round_up(n_, panel());
  std::vector<std::int8_t> rows(static_cast<std::size_t>(n_ * k_));
  std::vector<float> rotated(static_cast<std::size_t>(k_));
  scales_ = Tensor<float>::zeros({padded});
  sums_ = Tensor<float>::zeros({padded});
  for (std::int64_t i = 0; i < n_; ++i) {
    auto* row = rows.data() + i * k_;
    rotate_row(weight + i * k_, k_, rotated.data());
    scales_.data()[i] = quantize_weights(rotated.data(), k_, row);
    std::int64_t sum = 0;
    for (std::int64_t j = 0; j < k_; ++j) sum += row[j];
    sums_.data()[i] = static_cast<float>(sum);
  }
  held_ = memory_for<std::int8_t>(padded * round_up(k_, together_));
  auto* held = reinterpret_cast<std::int8_t*>(held_.data());
  const auto same = [](std::int8_t value) { return value; };
  if (together_ == 4) {
    order<4>(rows.data(), n_, k_, same, held);
  } else {
    order<2>(rows.data(), n_, k_, same, held);
  }
}

void PackedMatrix::multiply(const Multiplication& with, Columns columns) const {
  multiply_panels({type_, n_, k_, together_, held_.data(), scales_.data(), sums_.data()}, with, columns);
}

std::int64_t PackedMatrix::panel() { return panel_columns(); }

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

}  // namespace beeld
