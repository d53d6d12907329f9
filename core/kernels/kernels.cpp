#include "core/kernels/kernels.h"

#include <cmath>
#include <cstring>

#include "core/kernels/half.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/kernels.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h: these are compiled once for each instruction set.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "core/kernels/kernels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace beeld::HWY_NAMESPACE {

void SoftmaxRow(float* values, std::int64_t count) {
  const F f;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(f));
  auto highest = hn::Set(f, values[0]);
  for_each_vector(count, [&](std::int64_t i, std::int64_t n) HWY_ATTR {
    const auto v = load(values + i, n);
    const auto valid = hn::FirstN(f, static_cast<std::size_t>(n));
    highest = hn::Max(highest, n == lanes ? v : hn::IfThenElse(valid, v, highest));
  });
  const auto top = hn::MaxOfLanes(f, highest);
  auto sum = hn::Zero(f);
  for_each_vector(count, [&](std::int64_t i, std::int64_t n) HWY_ATTR {
    const auto e = hn::Exp(f, hn::Sub(load(values + i, n), top));
    store(e, values + i, n);
    sum = hn::Add(sum, n == lanes ? e : hn::IfThenElseZero(hn::FirstN(f, static_cast<std::size_t>(n)), e));
  });
  const auto scale = hn::Div(hn::Set(f, 1.0F), hn::SumOfLanes(f, sum));
  for_each_vector(count, [&](std::int64_t i, std::int64_t n)
                             HWY_ATTR { store(hn::Mul(load(values + i, n), scale), values + i, n); });
}

HWY_INLINE void scale_row(const NormRow& row, float mean, float factor, float* y) {
  const F f;
  const auto offset = hn::Set(f, mean);
  const auto scale = hn::Set(f, factor);
  for_each_vector(row.width, [&](std::int64_t i, std::int64_t n) HWY_ATTR {
    const auto v = hn::Mul(hn::Mul(hn::Sub(load(row.x + i, n), offset), scale), load(row.gain + i, n));
    store(row.bias ? hn::Add(v, load(row.bias + i, n)) : v, y + i, n);
  });
}

void LayerNormRow(const NormRow& row, float* y) {
  const F f;
  auto total = hn::Zero(f);
  for_each_vector(row.width, [&](std::int64_t i, std::int64_t n)
                                 HWY_ATTR { total = hn::Add(total, load(row.x + i, n)); });
  const auto width = static_cast<float>(row.width);
  const float mean = hn::GetLane(hn::SumOfLanes(f, total)) / width;
  const float variance = sum_of_squares(row.x, mean, row.width) / width;
  scale_row(row, mean, 1 / std::sqrt(variance + row.eps), y);
}

void RmsNormRow(const NormRow& row, float* y) {
  const float mean_square = sum_of_squares(row.x, 0, row.width) / static_cast<float>(row.width);
  scale_row(row, 0, 1 / std::sqrt(mean_square + row.eps), y);
}

template <class Stored>
HWY_INLINE void widen(const std::byte* from, std::size_t count, float* to) {
  const F f;
  const hn::Rebind<Stored, F> half;
  const auto lanes = hn::Lanes(f);
  HWY_ALIGN Stored stored[hn::MaxLanes(f)];
  HWY_ALIGN float widened[hn::MaxLanes(f)];
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    std::memcpy(stored, from + i * sizeof(Stored), sizeof(stored));
    hn::StoreU(hn::PromoteTo(f, hn::Load(half, stored)), f, to + i);
  }
  if (i == count) return;
  std::memcpy(stored, from + i * sizeof(Stored), (count - i) * sizeof(Stored));
  hn::Store(hn::PromoteTo(f, hn::Load(half, stored)), f, widened);
  std::memcpy(to + i, widened, (count - i) * sizeof(float));
}

void WidenF16(const std::byte* from, std::size_t count, float* to) {
#if HWY_TARGET <= HWY_AVX2
  widen<hwy::float16_t>(from, count, to);
#else
  // Without the processor's own conversion Highway's gives numbers for infinities.
  for (std::size_t i = 0; i < count; ++i) {
    std::uint16_t half = 0;
    std::memcpy(&half, from + i * sizeof half, sizeof half);
    to[i] = from_half(half);
  }
#endif
}

void WidenBf16(const std::byte* from, std::size_t count, float* to) {
  widen<hwy::bfloat16_t>(from, count, to);
}

}  // namespace beeld::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace beeld {

HWY_EXPORT(SoftmaxRow);
HWY_EXPORT(LayerNormRow);
HWY_EXPORT(RmsNormRow);
HWY_EXPORT(WidenF16);
HWY_EXPORT(WidenBf16);

void softmax_row(float* values, std::int64_t count) { HWY_DYNAMIC_DISPATCH(SoftmaxRow)(values, count); }

void layer_norm_row(const NormRow& row, float* y) { HWY_DYNAMIC_DISPATCH(LayerNormRow)(row, y); }

void rms_norm_row(const NormRow& row, float* y) { HWY_DYNAMIC_DISPATCH(RmsNormRow)(row, y); }

void widen_f16(const std::byte* from, std::size_t count, float* to) {
  HWY_DYNAMIC_DISPATCH(WidenF16)(from, count, to);
}

void widen_bf16(const std::byte* from, std::size_t count, float* to) {
  HWY_DYNAMIC_DISPATCH(WidenBf16)(from, count, to);
}

void widen(DType dtype, const std::byte* from, std::size_t count, float* to) {
  if (dtype == DType::f32) std::memcpy(to, from, count * sizeof(float));
  if (dtype == DType::f16) widen_f16(from, count, to);
  if (dtype == DType::bf16) widen_bf16(from, count, to);
  for (std::size_t i = 0; i < count && dtype == DType::f64; ++i) {
    double value = 0;
    std::memcpy(&value, from + i * sizeof value, sizeof value);
    to[i] = static_cast<float>(value);
  }
}

}  // namespace beeld
#endif
