#pragma once

#include <bit>
#include <cstring>
#include <memory>
#include <vector>

#include "core/kernels/half.h"
#include "core/kernels/stored_matrix.h"
#include "core/tensor/buffer.h"

namespace beeld::testing {

// Matrices as a file would hold them, by the plain definitions of its types.

inline std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/// The nearest value that a type has.
inline float rounded_to(DType dtype, float value) {
  if (dtype == DType::f16) return from_half(to_half(value));
  if (dtype == DType::bf16) return std::bit_cast<float>(std::uint32_t{to_bf16(value)} << 16);
  return value;
}

inline Tensor<float> rounded_to(DType dtype, const Tensor<float>& values) {
  auto result = values.clone();
  for (std::int64_t i = 0; i < result.size(); ++i) result.data()[i] = rounded_to(dtype, result.data()[i]);
  return result;
}

inline void write_value(DType dtype, float value, std::byte* to) {
  const auto put = [to](auto stored) { std::memcpy(to, &stored, sizeof stored); };
  if (dtype == DType::f32) put(value);
  if (dtype == DType::f64) put(static_cast<double>(value));
  if (dtype == DType::f16) put(to_half(value));
  if (dtype == DType::bf16) put(to_bf16(value));
}

/// A matrix [N,K] in memory of its own that begins `offset` bytes behind an aligned address.
inline StoredPart stored_part(const Tensor<float>& matrix, DType dtype, Layout layout, std::size_t offset) {
  const auto n = matrix.rows(), k = matrix.columns();
  const auto size = static_cast<std::int64_t>(size_of(dtype));
  Buffer memory(offset + static_cast<std::size_t>(n * k * size));
  auto* values = memory.as<std::byte>() + offset;
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < k; ++j) {
      const auto place = layout == Layout::normal ? i * k + j : j * n + i;
      write_value(dtype, matrix.row(i)[j], values + place * size);
    }
  }
  return {dtype, layout, n, k, values, memory.owner()};
}

}  // namespace beeld::testing
