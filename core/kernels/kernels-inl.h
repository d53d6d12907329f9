// Loads and stores of rows of any length. Compiled once for each instruction set (Highway).

#if defined(BEELD_CORE_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BEELD_CORE_KERNELS_INL_H_
#undef BEELD_CORE_KERNELS_INL_H_
#else
#define BEELD_CORE_KERNELS_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace beeld::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using F = hn::ScalableTag<float>;
using V = hn::Vec<F>;

// The rest of a row that does not fill a vector is loaded with zeros behind it, and stored only so far.
template <class Function>
HWY_INLINE void for_each_vector(std::int64_t count, Function function) {
  const F f;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(f));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) function(i, lanes);
  if (i < count) function(i, count - i);
}

HWY_INLINE V load(const float* p, std::int64_t count) {
  const F f;
  if (count == static_cast<std::int64_t>(hn::Lanes(f))) return hn::LoadU(f, p);
#if HWY_TARGET <= HWY_AVX2
  return hn::MaskedLoad(hn::FirstN(f, static_cast<std::size_t>(count)), f, p);
#else
  // Where the processor has no masks, Highway's load reads all lanes, and from aligned memory.
  HWY_ALIGN float rest[hn::MaxLanes(f)] = {};
  for (std::int64_t i = 0; i < count; ++i) rest[i] = p[i];
  return hn::Load(f, rest);
#endif
}

HWY_INLINE void store(V v, float* p, std::int64_t count) {
  const F f;
  if (count == static_cast<std::int64_t>(hn::Lanes(f))) return hn::StoreU(v, f, p);
#if HWY_TARGET <= HWY_AVX2
  hn::BlendedStore(v, hn::FirstN(f, static_cast<std::size_t>(count)), f, p);
#else
  HWY_ALIGN float rest[hn::MaxLanes(f)];
  hn::Store(v, f, rest);
  for (std::int64_t i = 0; i < count; ++i) p[i] = rest[i];
#endif
}

HWY_INLINE float sum_of_squares(const float* x, float offset, std::int64_t width) {
  const F f;
  const auto middle = hn::Set(f, offset);
  auto sum = hn::Zero(f);
  for_each_vector(width, [&](std::int64_t i, std::int64_t n) HWY_ATTR {
    const auto d =
        hn::IfThenElseZero(hn::FirstN(f, static_cast<std::size_t>(n)), hn::Sub(load(x + i, n), middle));
    sum = hn::MulAdd(d, d, sum);
  });
  return hn::GetLane(hn::SumOfLanes(f, sum));
}

}  // namespace beeld::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
