#include "core/kernels/quantize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/quantize.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h: these are compiled once for each instruction set.
#include <hwy/highway.h>

#include "core/kernels/kernels-inl.h"

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

/// The largest magnitude that a value of a row of 16-bit values may have.
inline float most_magnitude(std::int64_t width) {
  constexpr std::int64_t most_sum = std::numeric_limits<std::int32_t>::max();
  return static_cast<float>(std::clamp<std::int64_t>(most_sum / 127 / width, 1, 32767));
}

inline RowScale symmetric_scale(float greatest, float most) {
  if (!(greatest > 0) || !std::isfinite(greatest)) return {1, 0};
  return {greatest / most, 0};
}

/// Divided by the length of the transform's columns.
inline constexpr auto scaled_signs = [] {
  std::array<float, rotation_group> signs{};
  for (std::int64_t i = 0; i < rotation_group; ++i) signs[static_cast<std::size_t>(i)] = rotation_sign(i) / 8;
  return signs;
}();
#endif

}  // namespace beeld

HWY_BEFORE_NAMESPACE();
namespace beeld::HWY_NAMESPACE {

HWY_INLINE V butterfly(V v, int distance) {
  const F f;
  const hn::RebindToSigned<F> whole;
  const auto lane = hn::Iota(whole, 0), step = hn::Set(whole, distance);
  const auto partner = hn::TableLookupLanes(v, hn::IndicesFromVec(f, hn::Xor(lane, step)));
  const auto upper = hn::RebindMask(f, hn::Ne(hn::And(lane, step), hn::Zero(whole)));
  return hn::Add(partner, hn::IfThenElse(upper, hn::Neg(v), v));
}

void RotateRow(const float* x, std::int64_t width, float* y) {
  const F f;
  constexpr auto lanes = static_cast<std::int64_t>(hn::MaxLanes(F())), vectors = rotation_group / lanes;
  std::int64_t at = 0;
  for (; at + rotation_group <= width; at += rotation_group) {
    V v[vectors];
    for (std::int64_t i = 0; i < vectors; ++i) {
      v[i] = hn::Mul(hn::LoadU(f, x + at + i * lanes), hn::LoadU(f, scaled_signs.data() + i * lanes));
      for (int distance = 1; distance < lanes; distance *= 2) v[i] = butterfly(v[i], distance);
    }
    for (std::int64_t distance = 1; distance < vectors; distance *= 2) {
      for (std::int64_t i = 0; i < vectors; ++i) {
        if (i & distance) continue;
        const auto left = v[i], right = v[i + distance];
        v[i] = hn::Add(left, right);
        v[i + distance] = hn::Sub(left, right);
      }
    }
    for (std::int64_t i = 0; i < vectors; ++i) hn::StoreU(v[i], f, y + at + i * lanes);
  }
  if (y != x) std::copy(x + at, x + width, y + at);
}

template <class Value>
HWY_INLINE void store_whole(V v, Value* q, std::int64_t count) {
  const F f;
  const hn::Rebind<Value, F> values;
  const auto narrow = hn::DemoteTo(values, hn::NearestInt(v));
  if (count == static_cast<std::int64_t>(hn::Lanes(f))) return hn::StoreU(narrow, values, q);
  HWY_ALIGN Value rest[hn::MaxLanes(f)];
  hn::Store(narrow, values, rest);
  for (std::int64_t i = 0; i < count; ++i) q[i] = rest[i];
}

struct WholeNumbers {
  RowScale row;
  float least, most;
};

template <class Value>
HWY_INLINE void quantize(const float* x, std::int64_t width, const WholeNumbers& to, Value* q) {
  const F f;
  const auto scale = hn::Set(f, 1 / to.row.scale), zero = hn::Set(f, to.row.zero);
  const auto low = hn::Set(f, to.least), high = hn::Set(f, to.most);
  for_each_vector(width, [&](std::int64_t i, std::int64_t n) HWY_ATTR {
    store_whole(hn::Clamp(hn::MulAdd(load(x + i, n), scale, zero), low, high), q + i, n);
  });
}

RowScale QuantizeRow(const float* x, std::int64_t width, std::uint8_t* q) {
  const F f;
  auto least = hn::Zero(f), greatest = hn::Zero(f);
  for_each_vector(width, [&](std::int64_t i, std::int64_t n) HWY_ATTR {
    const auto v = load(x + i, n);  // zeros behind the end change nothing
    least = hn::Min(least, v);
    greatest = hn::Max(greatest, v);
  });
  const auto row = row_scale(hn::GetLane(hn::MinOfLanes(f, least)), hn::GetLane(hn::MaxOfLanes(f, greatest)));
  quantize(x, width, {row, 0, 255}, q);
  return row;
}

RowScale QuantizeRowWide(const float* x, std::int64_t width, std::int16_t* q) {
  const F f;
  auto greatest = hn::Zero(f);
  for_each_vector(width, [&](std::int64_t i, std::int64_t n)
                             HWY_ATTR { greatest = hn::Max(greatest, hn::Abs(load(x + i, n))); });
  const float most = most_magnitude(width);
  const auto row = symmetric_scale(hn::GetLane(hn::MaxOfLanes(f, greatest)), most);
  quantize(x, width, {row, -most, most}, q);
  return row;
}

}  // namespace beeld::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace beeld {

HWY_EXPORT(RotateRow);
HWY_EXPORT(QuantizeRow);
HWY_EXPORT(QuantizeRowWide);

void rotate_row(const float* x, std::int64_t width, float* y) {
  HWY_DYNAMIC_DISPATCH(RotateRow)(x, width, y);
}

void rotate_row_plain(const float* x, std::int64_t width, float* y) {
  if (y != x) std::copy_n(x, width, y);
  for (std::int64_t at = 0; at + rotation_group <= width; at += rotation_group) {
    float* v = y + at;
    for (std::int64_t i = 0; i < rotation_group; ++i) v[i] *= rotation_sign(i);
    for (std::int64_t distance = 1; distance < rotation_group; distance *= 2) {
      for (std::int64_t i = 0; i < rotation_group; ++i) {
        if (i & distance) continue;
        const float left = v[i], right = v[i + distance];
        v[i] = left + right;
        v[i + distance] = left - right;
      }
    }
    for (std::int64_t i = 0; i < rotation_group; ++i) v[i] /= 8;
  }
}

RowScale quantize_row(const float* x, std::int64_t width, std::uint8_t* q) {
  return HWY_DYNAMIC_DISPATCH(QuantizeRow)(x, width, q);
}

RowScale quantize_row_plain(const float* x, std::int64_t width, std::uint8_t* q) {
  float least = 0, greatest = 0;
  for (std::int64_t i = 0; i < width; ++i) {
    least = std::min(least, x[i]);
    greatest = std::max(greatest, x[i]);
  }
  const auto row = row_scale(least, greatest);
  for (std::int64_t i = 0; i < width; ++i) {
    const float rounded = std::nearbyint(std::fma(x[i], 1 / row.scale, row.zero));
    q[i] = static_cast<std::uint8_t>(std::clamp(rounded, 0.0F, 255.0F));
  }
  return row;
}

RowScale quantize_row(const float* x, std::int64_t width, std::int16_t* q) {
  return HWY_DYNAMIC_DISPATCH(QuantizeRowWide)(x, width, q);
}

RowScale quantize_row_plain(const float* x, std::int64_t width, std::int16_t* q) {
  float greatest = 0;
  for (std::int64_t i = 0; i < width; ++i) greatest = std::max(greatest, std::fabs(x[i]));
  const float most = most_magnitude(width);
  const auto row = symmetric_scale(greatest, most);
  for (std::int64_t i = 0; i < width; ++i)
    q[i] = static_cast<std::int16_t>(std::clamp(std::nearbyint(x[i] * (1 / row.scale)), -most, most));
  return row;
}

float quantize_weights(const float* weight, std::int64_t k, std::int8_t* q) {
  float greatest = 0;
  for (std::int64_t j = 0; j < k; ++j) greatest = std::max(greatest, std::fabs(weight[j]));
  const float scale = greatest > 0 ? greatest / 127 : 1.0F;
  for (std::int64_t j = 0; j < k; ++j) q[j] = static_cast<std::int8_t>(std::nearbyint(weight[j] / scale));
  return scale;
}

}  // namespace beeld
#endif
