#include "core/quantize.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/quantize.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h: these are compiled once for each instruction set.
#include <hwy/highway.h>

#include "core/kernels-inl.h"

namespace beeld {

#ifndef BEELD_CORE_QUANTIZE_SCALE_
#define BEELD_CORE_QUANTIZE_SCALE_
/// Both definitions begin with the same scale.
inline RowScale row_scale(float least, float greatest) {
  const float range = greatest - least;
  if (!(range > 0) || !std::isfinite(range)) return {1, 0};
  const float scale = range / 255;
  return {scale, std::nearbyint(-least / scale)};
}
#endif

}  // namespace beeld

HWY_BEFORE_NAMESPACE();
namespace beeld::HWY_NAMESPACE {

HWY_INLINE void store_bytes(hn::Vec<F> whole, std::uint8_t* q, std::int64_t count) {
  const F f;
  const hn::Rebind<std::uint8_t, F> bytes;
  const auto narrow = hn::DemoteTo(bytes, hn::NearestInt(whole));
  if (count == static_cast<std::int64_t>(hn::Lanes(f))) return hn::StoreU(narrow, bytes, q);
  HWY_ALIGN std::uint8_t rest[hn::MaxLanes(f)];
  hn::Store(narrow, bytes, rest);
  // GCC 12 under the sanitizers does not see that one lane bounds the count.
  std::copy_n(rest, std::min(count, static_cast<std::int64_t>(hn::MaxLanes(f))), q);
}

RowScale QuantizeRow(const float* x, std::int64_t width, QuantizedRow q) {
  const F f;
  auto least = hn::Zero(f), greatest = hn::Zero(f);
  for_each_vector(width, [&](std::int64_t i, std::int64_t n) HWY_ATTR {
    const auto v = load(x + i, n);  // zeros behind the end change nothing
    least = hn::Min(least, v);
    greatest = hn::Max(greatest, v);
  });
  const auto row = row_scale(hn::GetLane(hn::MinOfLanes(f, least)), hn::GetLane(hn::MaxOfLanes(f, greatest)));
  const auto scale = hn::Set(f, 1 / row.scale), zero = hn::Set(f, row.zero);
  const auto steps = hn::Set(f, finer_steps), middle = hn::Set(f, fine_zero);
  for_each_vector(width, [&](std::int64_t i, std::int64_t n) HWY_ATTR {
    const auto exact = hn::MulAdd(load(x + i, n), scale, zero);
    const auto rounded = hn::Round(exact);
    store_bytes(rounded, q.coarse + i, n);
    store_bytes(hn::MulAdd(hn::Sub(exact, rounded), steps, middle), q.fine + i, n);
  });
  return row;
}

void DequantizeRow(const RowProducts& products, std::int64_t columns, RowScale row, const ColumnScales& by,
                   float* y) {
  const F f;
  const auto scale = hn::Set(f, row.scale), zero = hn::Set(f, row.zero);
  const auto step = hn::Set(f, 1 / finer_steps), middle = hn::Set(f, fine_zero);
  for_each_vector(columns, [&](std::int64_t i, std::int64_t n) HWY_ATTR {
    const auto sums = load(by.sums + i, n);
    auto sum = hn::NegMulAdd(zero, sums, load(products.coarse + i, n));
    if (products.fine) sum = hn::MulAdd(hn::NegMulAdd(middle, sums, load(products.fine + i, n)), step, sum);
    const auto value = hn::Mul(hn::Mul(scale, load(by.scales + i, n)), sum);
    store(by.bias ? hn::Add(value, load(by.bias + i, n)) : value, y + i, n);
  });
}

void WidenI8(const std::int8_t* from, std::int64_t count, float* to) {
  const F f;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(f));
  const hn::Rebind<std::int32_t, F> whole;
  const hn::Rebind<std::int8_t, F> bytes;
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(hn::ConvertTo(f, hn::PromoteTo(whole, hn::LoadU(bytes, from + i))), f, to + i);
  for (; i < count; ++i) to[i] = from[i];
}

}  // namespace beeld::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace beeld {

HWY_EXPORT(QuantizeRow);
HWY_EXPORT(DequantizeRow);
HWY_EXPORT(WidenI8);

RowScale quantize_row(const float* x, std::int64_t width, QuantizedRow q) {
  return HWY_DYNAMIC_DISPATCH(QuantizeRow)(x, width, q);
}

RowScale quantize_row_plain(const float* x, std::int64_t width, QuantizedRow q) {
  float least = 0, greatest = 0;
  for (std::int64_t i = 0; i < width; ++i) {
    least = std::min(least, x[i]);
    greatest = std::max(greatest, x[i]);
  }
  const auto row = row_scale(least, greatest);
  for (std::int64_t i = 0; i < width; ++i) {
    const float exact = std::fma(x[i], 1 / row.scale, row.zero), rounded = std::nearbyint(exact);
    const float rest = std::nearbyint((exact - rounded) * finer_steps + fine_zero);
    q.coarse[i] = static_cast<std::uint8_t>(std::clamp(rounded, 0.0F, 255.0F));
    q.fine[i] = static_cast<std::uint8_t>(std::clamp(rest, 0.0F, 255.0F));
  }
  return row;
}

void quantize_weights(const float* weight, std::int64_t n, std::int64_t k, std::int8_t* q, float* scales) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float* row = weight + i * k;
    float greatest = 0;
    for (std::int64_t j = 0; j < k; ++j) greatest = std::max(greatest, std::fabs(row[j]));
    scales[i] = greatest > 0 ? greatest / 127 : 1.0F;
    for (std::int64_t j = 0; j < k; ++j)
      q[i * k + j] = static_cast<std::int8_t>(std::nearbyint(row[j] / scales[i]));
  }
}

void dequantize_row(const RowProducts& products, std::int64_t columns, RowScale row, const ColumnScales& by,
                    float* y) {
  HWY_DYNAMIC_DISPATCH(DequantizeRow)(products, columns, row, by, y);
}

void dequantize_row_plain(const RowProducts& products, std::int64_t columns, RowScale row,
                          const ColumnScales& by, float* y) {
  for (std::int64_t i = 0; i < columns; ++i) {
    float sum = products.coarse[i] - row.zero * by.sums[i];
    if (products.fine) sum += (products.fine[i] - fine_zero * by.sums[i]) / finer_steps;
    y[i] = row.scale * by.scales[i] * sum + (by.bias ? by.bias[i] : 0.0F);
  }
}

void widen_i8(const std::int8_t* from, std::int64_t count, float* to) {
  HWY_DYNAMIC_DISPATCH(WidenI8)(from, count, to);
}

}  // namespace beeld
#endif
