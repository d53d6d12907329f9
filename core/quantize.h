#pragma once

#include <cstdint>

namespace beeld {

/// What 8-bit values of a row stand for: x = scale * (q - zero).
struct RowScale {
  float scale = 1;
  float zero = 0;
};

/// Rounds a row to 8 bits between its least and its greatest value, zero among them and exact. Vector code
/// with run-time dispatch.
RowScale quantize_row(const float* x, std::int64_t width, std::uint8_t* q);

/// The plain definition.
RowScale quantize_row_plain(const float* x, std::int64_t width, std::uint8_t* q);

/// Weights [N,K] rounded to -127..127, with a scale for every output.
void quantize_weights(const float* weight, std::int64_t n, std::int64_t k, std::int8_t* q, float* scales);

/// What turns sums of integer products into values again, output by output.
struct ColumnScales {
  const float* scales;  ///< [N]
  const float* sums;    ///< [N], of the 8-bit weights of an output
  const float* bias;    ///< [N], or null
};

/// y [N] = row.scale * scales * (products - row.zero * sums) + bias; y may be `products`.
void dequantize_row(const float* products, std::int64_t columns, RowScale row, const ColumnScales& by,
                    float* y);

/// The plain definition.
void dequantize_row_plain(const float* products, std::int64_t columns, RowScale row, const ColumnScales& by,
                          float* y);

/// Widens `count` signed bytes.
void widen_i8(const std::int8_t* from, std::int64_t count, float* to);

}  // namespace beeld
