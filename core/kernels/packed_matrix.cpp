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

/// Rows [N,K] of a panel, at most as many as it has columns -> [K/together][columns][together], what is
/// missing filled with zeros.
template <std::int64_t together, class Held, class From, class Convert>
void order(const From* rows, std::int64_t n, std::int64_t k, const Convert& convert, Held* panel) {
  constexpr std::int64_t stretch = 64;  // of K: its values of all columns stay in the first cache
  const auto width = panel_columns(), depth = round_up(k, together);
  for (std::int64_t begin = 0; begin < depth; begin += stretch) {
    const auto end = std::min(begin + stretch, depth);
    for (std::int64_t c = 0; c < width; ++c) {
      const From* row = c < n ? rows + c * k : nullptr;
      for (std::int64_t j = begin; j < end; ++j) {
        panel[(j / together * width + c) * together + j % together] =
            row && j < k ? convert(row[j]) : Held{0};
      }
    }
  }
}

}  // namespace

PackedMatrix::PackedMatrix(Shape shape, const ReadRows& read, WeightType type)
    : type_(type), n_(shape[0]), k_(shape[1]) {
  if (type == WeightType::f32) hold<float>(read, [](float value) { return value; });
  if (type == WeightType::f16) hold<std::uint16_t>(read, to_half);
  if (type == WeightType::bf16) hold<std::uint16_t>(read, to_bf16);
  if (type == WeightType::int8) hold_bytes(read);
}

PackedMatrix::PackedMatrix(const Tensor<float>& weight, WeightType type)
    : PackedMatrix(
          weight.shape(),
          [&weight](std::int64_t begin, std::int64_t end) { return weight.slice(begin, end); }, type) {}

template <class Held, class Convert>
void PackedMatrix::hold(const ReadRows& read, const Convert& convert) {
  held_ = Buffer::lasting(static_cast<std::size_t>(round_up(n_, panel()) * k_) * sizeof(Held));
  for (std::int64_t first = 0; first < n_; first += panel()) {
    const auto rows = read(first, std::min(first + panel(), n_));
    order<1>(rows.data(), rows.rows(), k_, convert, held_.as<Held>() + first * k_);
  }
}

void PackedMatrix::hold_bytes(const ReadRows& read) {
  // Vector code may be held to shorter vectors than the processor has.
  const bool by_bytes = multiplies_bytes() && panel() == byte_tile_columns && k_ <= byte_tile_depth;
  together_ = by_bytes ? 4 : 2;
  const auto padded = round_up(n_, panel()), depth = round_up(k_, together_);
  std::vector<std::int8_t> values(static_cast<std::size_t>(panel() * k_));
  std::vector<float> rotated(static_cast<std::size_t>(k_));
  scales_ = Tensor<float>::zeros({padded});
  sums_ = Tensor<float>::zeros({padded});
  held_ = Buffer::lasting(static_cast<std::size_t>(padded * depth));
  for (std::int64_t first = 0; first < n_; first += panel()) {
    const auto rows = read(first, std::min(first + panel(), n_));
    for (std::int64_t i = 0; i < rows.rows(); ++i) {
      auto* row = values.data() + i * k_;
      rotate_row(rows.row(i), k_, rotated.data());
      scales_.data()[first + i] = quantize_weights(rotated.data(), k_, row);
      std::int64_t sum = 0;
      for (std::int64_t j = 0; j < k_; ++j) sum += row[j];
      sums_.data()[first + i] = static_cast<float>(sum);
    }
    auto* panel_values = held_.as<std::int8_t>() + first * depth;
    const auto same = [](std::int8_t value) { return value; };
    if (together_ == 4) {
      order<4>(values.data(), rows.rows(), k_, same, panel_values);
    } else {
      order<2>(values.data(), rows.rows(), k_, same, panel_values);
    }
  }
}

void PackedMatrix::multiply(const Multiplication& with, Columns columns) const {
  multiply_panels({type_, n_, k_, together_, held_.as<std::byte>(), scales_.data(), sums_.data()}, with,
                  columns);
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
