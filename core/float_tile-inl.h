// The innermost part of a product of floats. Compiled once for each instruction set (Highway).

#if defined(BEELD_CORE_FLOAT_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BEELD_CORE_FLOAT_TILE_INL_H_
#undef BEELD_CORE_FLOAT_TILE_INL_H_
#else
#define BEELD_CORE_FLOAT_TILE_INL_H_
#endif

#include <hwy/highway.h>

#include <array>
#include <utility>

#include "core/byte_tile.h"
#include "core/kernels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace beeld::HWY_NAMESPACE {

// A tile of the result is [rows, two vectors]: its sums, two weights and a value of x fill the registers.
#if HWY_TARGET <= HWY_AVX3
constexpr int most_rows = 14;
#else
constexpr int most_rows = 6;
#endif

HWY_INLINE V widened(const float* held) { return hn::Load(F(), held); }

template <class Half>
HWY_INLINE V widened(const Half* held) {
  return hn::PromoteTo(F(), hn::Load(hn::Rebind<Half, F>(), held));
}

/// sums [Rows,columns] = a [Rows,depth] times b [depth,columns]. Unrolled, or the sums would lie in memory.
template <class Held, int Rows>
void float_tile(const float* a, std::int64_t stride, const Held* b, std::int64_t depth, Ahead ahead,
                float* sums) {
  const F f;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(f));
  V sum[Rows][2];
#pragma GCC unroll 14
  for (int i = 0; i < Rows; ++i) sum[i][0] = sum[i][1] = hn::Zero(f);
  for (std::int64_t p = 0; p < depth; ++p) {
    const auto left = widened(b), right = widened(b + lanes);
    b += 2 * lanes;
    __builtin_prefetch(ahead.memory, 0, 2);  // into the second-level cache
    ahead.memory += ahead.step;
#pragma GCC unroll 14
    for (int i = 0; i < Rows; ++i) {
      const auto x = hn::Set(f, a[i * stride + p]);
      sum[i][0] = hn::MulAdd(x, left, sum[i][0]);
      sum[i][1] = hn::MulAdd(x, right, sum[i][1]);
    }
  }
#pragma GCC unroll 14
  for (int i = 0; i < Rows; ++i) {
    hn::StoreU(sum[i][0], f, sums + 2 * i * lanes);
    hn::StoreU(sum[i][1], f, sums + (2 * i + 1) * lanes);
  }
}

template <class Held, int... Rows>
constexpr auto float_tiles(std::integer_sequence<int, Rows...>) {
  return std::array{float_tile<Held, Rows + 1>...};
}

}  // namespace beeld::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
