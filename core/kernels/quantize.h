#pragma once

#include <cstdint>

namespace beeld {

/// What 8-bit values of a row stand for: x = scale * (q - zero).
struct RowScale {
  float scale = 1;
  float zero = 0;
};

/// y = x with every 64 values mixed by an orthogonal matrix, those at the end that are fewer left as they
/// are. Products of two rotated rows are those of the rows; but no value of a rotated one is much larger than
/// the others, so that little is lost in 8 bits (Ashkboos et al. 2024, "QuaRot"). y may be x. Vector code
/// with run-time dispatch.
void rotate_row(const float* x, std::int64_t width, float* y);

/// The plain definition: signs, then the Walsh-Hadamard transform over eight.
void rotate_row_plain(const float* x, std::int64_t width, float* y);

inline constexpr std::int64_t rotation_group = 64;

/// The signs of a bent function, b0 b1 + b2 b3 + b4 b5 of the bits of i: the transform spreads them evenly,
/// so that an offset common to all values does not gather in one.
constexpr float rotation_sign(std::int64_t i) {
  const auto pair = i & i >> 1 & 0b010101;
  return (pair ^ pair >> 2 ^ pair >> 4) & 1 ? -1 : 1;
}

/// Rounds a row in 255 steps between its least and its greatest value, zero among them. Vector code with
/// run-time dispatch.
RowScale quantize_row(const float* x, std::int64_t width, std::uint8_t* q);

/// The plain definition.
RowScale quantize_row_plain(const float* x, std::int64_t width, std::uint8_t* q);

/// Rounds a row to 16 bits, or to so many that its products with `width` values of -127..127 add up to no
/// more than 32: 14 bits for a row of 1024. Zero stays zero.
RowScale quantize_row(const float* x, std::int64_t width, std::int16_t* q);

/// The plain definition.
RowScale quantize_row_plain(const float* x, std::int64_t width, std::int16_t* q);

/// Weights of an output [K] rounded to -127..127, of which one is `scale`, which is returned.
float quantize_weights(const float* weight, std::int64_t k, std::int8_t* q);

}  // namespace beeld
