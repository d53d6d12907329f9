// The innermost part of a product. Compiled once for each instruction set (Highway).

#if defined(BEELD_CORE_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BEELD_CORE_TILE_INL_H_
#undef BEELD_CORE_TILE_INL_H_
#else
#define BEELD_CORE_TILE_INL_H_
#endif

#include <hwy/highway.h>

#include <array>
#include <utility>

#include "core/kernels/byte_tile.h"
#include "core/kernels/factors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace beeld::HWY_NAMESPACE {

// A tile of the result is [rows, two vectors]: its sums, two weights and a value of x fill the registers.
#if HWY_TARGET <= HWY_AVX3
constexpr int most_rows = 14;
#else
constexpr int most_rows = 6;
#endif

/// sums [Rows,columns] = a [Rows,depth] times b [depth,columns], where a step along the depth takes
/// Factors::together values of both. Unrolled, or the sums would lie in memory.
template <class Factors, int Rows>
void tile(TileRows<typename Factors::Value> rows, TileWeights<typename Factors::Held> weights,
          typename Factors::Sum* sums) {
  const auto [a, stride] = rows;
  auto [b, steps, ahead] = weights;
  const hn::Rebind<typename Factors::Sum, F> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d)), step = Factors::together * lanes;
  hn::Vec<decltype(d)> sum[Rows][2];
#pragma GCC unroll 14
  for (int i = 0; i < Rows; ++i) sum[i][0] = sum[i][1] = hn::Zero(d);
  for (std::int64_t p = 0; p < steps; ++p) {
    const auto left = Factors::weights(b), right = Factors::weights(b + step);
    b += 2 * step;
    __builtin_prefetch(ahead.memory, 0, 2);  // into the second-level cache
    ahead.memory += ahead.step;
#pragma GCC unroll 14
    for (int i = 0; i < Rows; ++i) {
      const auto x = Factors::value(a + i * stride + p * Factors::together);
      sum[i][0] = Factors::multiply_add(x, left, sum[i][0]);
      sum[i][1] = Factors::multiply_add(x, right, sum[i][1]);
    }
  }
#pragma GCC unroll 14
  for (int i = 0; i < Rows; ++i) {
    hn::StoreU(sum[i][0], d, sums + 2 * i * lanes);
    hn::StoreU(sum[i][1], d, sums + (2 * i + 1) * lanes);
  }
}

template <class Factors, int... Rows>
constexpr auto tiles_up_to(std::integer_sequence<int, Rows...>) {
  return std::array{tile<Factors, Rows + 1>...};
}

/// The tile of 1 row, of 2 rows and so on.
template <class Factors>
constexpr auto tiles = tiles_up_to<Factors>(std::make_integer_sequence<int, most_rows>());

}  // namespace beeld::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
