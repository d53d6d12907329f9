#include <arm_neon.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>

#include <array>
#include <cstring>
#include <utility>

#include "core/base/isa.h"
#include "core/kernels/byte_tile.h"

// Highway has no products of bytes yet, so these are the processor's own.
#define BEELD_SDOT __attribute__((target("arch=armv8.2-a+dotprod")))

namespace beeld {

namespace {

// The instruction takes signed bytes on both sides: x - 128 is multiplied, and 128 times the sum of the weights is
// added to every row.
template <int Rows>
BEELD_SDOT void tile(TileRows<std::uint8_t> rows, TileWeights<std::int8_t> weights, std::int32_t* sums) {
  const auto [a, stride] = rows;
  auto [b, steps, ahead] = weights;
  int32x4_t sum[Rows][2], all[2] = {vdupq_n_s32(0), vdupq_n_s32(0)};
  const int8x16_t ones = vdupq_n_s8(1);
#pragma GCC unroll 14  // or the sums would not stay in registers
  for (int i = 0; i < Rows; ++i) sum[i][0] = sum[i][1] = vdupq_n_s32(0);
  for (std::int64_t p = 0; p < steps; ++p) {
    const int8x16_t left = vld1q_s8(b), right = vld1q_s8(b + 16);
    b += std::int64_t{byte_tile_columns} * 4;
    __builtin_prefetch(ahead.memory);
    ahead.memory += ahead.step;
    all[0] = vdotq_s32(all[0], left, ones);
    all[1] = vdotq_s32(all[1], right, ones);
#pragma GCC unroll 14
    for (int i = 0; i < Rows; ++i) {
      std::uint32_t four = 0;
      std::memcpy(&four, a + i * stride + p * 4, sizeof four);
      const int8x16_t x = vreinterpretq_s8_u32(vdupq_n_u32(four ^ 0x80808080));
      sum[i][0] = vdotq_s32(sum[i][0], left, x);
      sum[i][1] = vdotq_s32(sum[i][1], right, x);
    }
  }
#pragma GCC unroll 14
  for (int i = 0; i < Rows; ++i) {
    vst1q_s32(sums + i * byte_tile_columns, vaddq_s32(sum[i][0], vshlq_n_s32(all[0], 7)));
    vst1q_s32(sums + i * byte_tile_columns + 4, vaddq_s32(sum[i][1], vshlq_n_s32(all[1], 7)));
  }
}

template <int... Rows>
constexpr auto tiles_of(std::integer_sequence<int, Rows...>) {
  return std::array{tile<Rows + 1>...};
}

}  // namespace

bool multiplies_bytes() {
  static const bool able = (::getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
  return able && isa() == Isa::best;
}

void byte_tile(int rows, TileRows<std::uint8_t> a, TileWeights<std::int8_t> b, std::int32_t* sums) {
  static constexpr auto tiles = tiles_of(std::make_integer_sequence<int, byte_tile_rows>());
  tiles[static_cast<std::size_t>(rows - 1)](a, b, sums);
}

}  // namespace beeld
