// What a tile multiplies: floats, or whole numbers by pairs. Compiled once for each instruction set
// (Highway).

#if defined(BEELD_CORE_FACTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BEELD_CORE_FACTORS_INL_H_
#undef BEELD_CORE_FACTORS_INL_H_
#else
#define BEELD_CORE_FACTORS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstring>

#include "core/kernels/kernels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace beeld::HWY_NAMESPACE {

/// Floats with weights held as floats or in 16 bits.
template <class Weight>
struct Floats {
  using Value = float;
  using Held = Weight;
  using Sum = float;
  static constexpr std::int64_t together = 1;

  static HWY_INLINE V weights(const float* held) { return hn::Load(F(), held); }

  template <class Half>
  static HWY_INLINE V weights(const Half* held) {
    return hn::PromoteTo(F(), hn::Load(hn::Rebind<Half, F>(), held));
  }

  static HWY_INLINE V value(const float* x) { return hn::Set(F(), *x); }

  static HWY_INLINE V multiply_add(V x, V weights, V sum) { return hn::MulAdd(x, weights, sum); }
};

/// Two 16-bit values with two 8-bit weights for each sum. Exact.
struct Pairs {
  using Value = std::int16_t;
  using Held = std::int8_t;
  using Sum = std::int32_t;
  static constexpr std::int64_t together = 2;

  using Sums = hn::Rebind<Sum, F>;

#if HWY_TARGET == HWY_SCALAR  // vectors have one lane, of whatever type
  struct Pair {
    int first, second;
  };

  static HWY_INLINE Pair weights(const Held* held) { return {held[0], held[1]}; }

  static HWY_INLINE Pair value(const Value* x) { return {x[0], x[1]}; }

  static HWY_INLINE hn::Vec<Sums> multiply_add(Pair x, Pair weights, hn::Vec<Sums> sum) {
    return hn::Add(sum, hn::Set(Sums(), x.first * weights.first + x.second * weights.second));
  }
#else
  using Shorts = hn::Repartition<Value, F>;

  static HWY_INLINE hn::Vec<Shorts> weights(const Held* held) {
    return hn::PromoteTo(Shorts(), hn::Load(hn::Rebind<Held, Shorts>(), held));
  }

  static HWY_INLINE hn::Vec<Shorts> value(const Value* x) {
    Sum both = 0;
    std::memcpy(&both, x, sizeof both);
    return hn::BitCast(Shorts(), hn::Set(Sums(), both));
  }

  static HWY_INLINE hn::Vec<Sums> multiply_add(hn::Vec<Shorts> x, hn::Vec<Shorts> weights,
                                               hn::Vec<Sums> sum) {
    const Sums d;
    auto odd = hn::Zero(d);
    const auto even = hn::ReorderWidenMulAccumulate(d, x, weights, hn::Zero(d), odd);
    return hn::Add(sum, hn::RearrangeToOddPlusEven(even, odd));
  }
#endif
};

}  // namespace beeld::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
