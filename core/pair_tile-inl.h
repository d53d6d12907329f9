// The innermost part of a product of 16-bit values with 8-bit weights. Compiled once for each instruction set
// (Highway).

#if defined(BEELD_CORE_PAIR_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BEELD_CORE_PAIR_TILE_INL_H_
#undef BEELD_CORE_PAIR_TILE_INL_H_
#else
#define BEELD_CORE_PAIR_TILE_INL_H_
#endif

#include <hwy/highway.h>

#include <array>
#include <cstring>
#include <utility>

#include "core/byte_tile.h"
#include "core/float_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace beeld::HWY_NAMESPACE {

using Sums = hn::Rebind<std::int32_t, F>;

#if HWY_TARGET == HWY_SCALAR  // vectors have one lane, of whatever type

struct Pairs {
  int first, second;
};

HWY_INLINE Pairs pairs_of(const std::int8_t* weights) { return {weights[0], weights[1]}; }

HWY_INLINE Pairs same_pair(const std::int16_t* x) { return {x[0], x[1]}; }

HWY_INLINE hn::Vec<Sums> products(Pairs x, Pairs weights) {
  return hn::Set(Sums(), x.first * weights.first + x.second * weights.second);
}

#else

using Shorts = hn::Repartition<std::int16_t, F>;
using Pairs = hn::Vec<Shorts>;  // one for each lane of the sums

HWY_INLINE Pairs pairs_of(const std::int8_t* weights) {
  return hn::PromoteTo(Shorts(), hn::Load(hn::Rebind<std::int8_t, Shorts>(), weights));
}

HWY_INLINE Pairs same_pair(const std::int16_t* x) {
  std::int32_t both = 0;
  std::memcpy(&both, x, sizeof both);
  return hn::BitCast(Shorts(), hn::Set(Sums(), both));
}

HWY_INLINE hn::Vec<Sums> products(Pairs x, Pairs weights) {
  const Sums d;
  auto odd = hn::Zero(d);
  const auto even = hn::ReorderWidenMulAccumulate(d, x, weights, hn::Zero(d), odd);
  return hn::RearrangeToOddPlusEven(even, odd);
}

#endif

/// sums [Rows,columns] = a [Rows,2*steps] times b [steps,columns,2]. Exact. Unrolled, or the sums would lie
/// in memory.
template <int Rows>
void pair_tile(const std::int16_t* a, std::int64_t stride, const std::int8_t* b, std::int64_t steps,
               Ahead ahead, std::int32_t* sums) {
  const Sums d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  hn::Vec<Sums> sum[Rows][2];
#pragma GCC unroll 14
  for (int i = 0; i < Rows; ++i) sum[i][0] = sum[i][1] = hn::Zero(d);
  for (std::int64_t p = 0; p < steps; ++p) {
    const auto left = pairs_of(b), right = pairs_of(b + 2 * lanes);
    b += 4 * lanes;
    __builtin_prefetch(ahead.memory, 0, 2);  // into the second-level cache
    ahead.memory += ahead.step;
#pragma GCC unroll 14
    for (int i = 0; i < Rows; ++i) {
      const auto x = same_pair(a + i * stride + 2 * p);
      sum[i][0] = hn::Add(sum[i][0], products(x, left));
      sum[i][1] = hn::Add(sum[i][1], products(x, right));
    }
  }
#pragma GCC unroll 14
  for (int i = 0; i < Rows; ++i) {
    hn::StoreU(sum[i][0], d, sums + 2 * i * lanes);
    hn::StoreU(sum[i][1], d, sums + (2 * i + 1) * lanes);
  }
}

template <int... Rows>
constexpr auto pair_tiles(std::integer_sequence<int, Rows...>) {
  return std::array{pair_tile<Rows + 1>...};
}

}  // namespace beeld::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
