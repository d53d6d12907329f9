#pragma once

#include <cstdint>

namespace beeld {

/// What 8-bit values of a row stand for: x = scale * (q - zero).
struct RowScale {
  float scale = 1;
  float zero = 0;
};

/// Where the 8-bit values of a row go: the row rounded between its least and its greatest value, zero among
/// them, and what that leaves, in steps of 1/finer_steps around 128.
struct QuantizedRow {
  std::uint8_t* coarse;  // [K]
  std::uint8_t* fine;    // [K]
};

inline constexpr float finer_steps = 254, fine_zero = 128;

/// x = scale * (coarse - zero + (fine - fine_zero) / finer_steps). Vector code with run-time dispatch.
RowScale quantize_row(const float* x, std::int64_t width, QuantizedRow q);

/// The plain definition.
RowScale quantize_row_plain(const float* x, std::int64_t width, QuantizedRow q);

/// Weights [N,K] rounded to -127..127, with a scale for every output.
void quantize_weights(const float* weight, std::int64_t n, std::int64_t k, std::int8_t* q, float* scales);

/// What turns sums of integer products into values again, output by output.
struct ColumnScales {
  const float* scales;  ///< [N]
  const float* sums;    ///< [N], of the 8-bit weights of an output
  const float* bias;    ///< [N], or null
};

/// Products of 8-bit values with 8-bit weights, as floats.
struct RowProducts {
  const float* coarse;  ///< [N]
  const float* fine;    ///< [N], or null: there is no rest
};

/// y [N] = row.scale * scales * (coarse - row.zero * sums + (fine - fine_zero * sums) / finer_steps) + bias;
/// y may be a row of products.
void dequantize_row(const RowProducts& products, std::int64_t columns, RowScale row, const ColumnScales& by,
                    float* y);

/// The plain definition.
void dequantize_row_plain(const RowProducts& products, std::int64_t columns, RowScale row,
                          const ColumnScales& by, float* y);

/// Widens `count` signed bytes.
void widen_i8(const std::int8_t* from, std::int64_t count, float* to);

}  // namespace beeld
