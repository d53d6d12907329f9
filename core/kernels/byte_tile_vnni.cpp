#include <immintrin.h>

#include <array>
#include <cstring>
#include <utility>

#include "core/base/isa.h"
#include "core/kernels/byte_tile.h"

// Highway has no products of bytes yet, so these are the processor's own.
#define BEELD_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))

namespace beeld {

namespace {

template <int Rows>
BEELD_VNNI void tile(TileRows<std::uint8_t> rows, TileWeights<std::int8_t> weights, std::int32_t* sums) {
  const auto [a, stride] = rows;
  auto [b, steps, ahead] = weights;
  __m512i sum[Rows][2];
#pragma GCC unroll 14  // or the sums would not stay in registers
  for (int i = 0; i < Rows; ++i) sum[i][0] = sum[i][1] = _mm512_setzero_si512();
  for (std::int64_t p = 0; p < steps; ++p) {
    const __m512i left = _mm512_loadu_si512(b), right = _mm512_loadu_si512(b + 64);
    b += std::int64_t{byte_tile_columns} * 4;
    _mm_prefetch(ahead.memory, _MM_HINT_T1);
    ahead.memory += ahead.step;
#pragma GCC unroll 14
    for (int i = 0; i < Rows; ++i) {
      int four = 0;
      std::memcpy(&four, a + i * stride + p * 4, sizeof four);
      const __m512i x = _mm512_set1_epi32(four);
      sum[i][0] = _mm512_dpbusd_epi32(sum[i][0], x, left);
      sum[i][1] = _mm512_dpbusd_epi32(sum[i][1], x, right);
    }
  }
#pragma GCC unroll 14
  for (int i = 0; i < Rows; ++i) {
    _mm512_storeu_si512(sums + i * byte_tile_columns, sum[i][0]);
    _mm512_storeu_si512(sums + i * byte_tile_columns + 16, sum[i][1]);
  }
}

template <int... Rows>
constexpr auto tiles_of(std::integer_sequence<int, Rows...>) {
  return std::array{tile<Rows + 1>...};
}

}  // namespace

bool multiplies_bytes() {
  static const bool able = __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
                           __builtin_cpu_supports("avx512vl");
  return able && isa() == Isa::best;
}

void byte_tile(int rows, TileRows<std::uint8_t> a, TileWeights<std::int8_t> b, std::int32_t* sums) {
  static constexpr auto tiles = tiles_of(std::make_integer_sequence<int, byte_tile_rows>());
  tiles[static_cast<std::size_t>(rows - 1)](a, b, sums);
}

}  // namespace beeld
