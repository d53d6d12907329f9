#include "vision/preprocess/resample_kernels.h"

#include <cstring>
#include <vector>

#include "vision/preprocess/resample.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "vision/preprocess/resample_kernels.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h: these are compiled once for each instruction set.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace beeld::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR

void Horizontal(const Rows& in, const Weights& weights, const SplitWeights&, std::uint8_t* out) {
  horizontal_plain(in, weights, out);
}

void Vertical(const Rows& in, const Weights& weights, const SplitWeights&, std::uint8_t* out) {
  vertical_plain(in, weights, out);
}

#else

namespace hn = hwy::HWY_NAMESPACE;

// Vectors of 128 bits: a pair of pixels fills one, and shuffles behave the same on every machine.
using U8 = hn::FixedTag<std::uint8_t, 16>;
using HalfU8 = hn::FixedTag<std::uint8_t, 8>;
using I16 = hn::FixedTag<std::int16_t, 8>;
using I32 = hn::FixedTag<std::int32_t, 4>;
using QuarterU8 = hn::FixedTag<std::uint8_t, 4>;

/// Sums of pairs of 16-bit products, for both parts of the weights.
struct Sums {
  hn::Vec<I32> high, low;
  hn::Vec<I32> high_odd, low_odd;  // used where the machine keeps odd and even pairs apart

  HWY_INLINE void add(hn::Vec<I16> samples, std::int32_t high_pair, std::int32_t low_pair) {
    const I32 i32;
    const I16 i16;
    high = hn::ReorderWidenMulAccumulate(i32, samples, hn::BitCast(i16, hn::Set(i32, high_pair)), high,
                                         high_odd);
    low = hn::ReorderWidenMulAccumulate(i32, samples, hn::BitCast(i16, hn::Set(i32, low_pair)), low, low_odd);
  }

  HWY_INLINE hn::Vec<QuarterU8> samples() const {
    const I32 i32;
    const auto whole = hn::ShiftLeft<SplitWeights::low_bits>(hn::RearrangeToOddPlusEven(high, high_odd));
    const auto sum = hn::Add(whole, hn::RearrangeToOddPlusEven(low, low_odd));
    return hn::DemoteTo(QuarterU8(), hn::ShiftRight<weight_bits>(hn::Add(sum, hn::Set(i32, half_weight))));
  }
};

HWY_INLINE Sums zero_sums() {
  const auto zero = hn::Zero(I32());
  return {zero, zero, zero, zero};
}

/// One row; may read 8 bytes from the last pixel of every pair on.
template <int channels>
HWY_INLINE void HorizontalRow(const std::uint8_t* in, const Weights& weights, const SplitWeights& split,
                              std::uint8_t* out) {
  constexpr std::uint8_t z = 0x80;  // gives a zero
  alignas(16) static constexpr std::uint8_t three[16] = {0, z, 3, z, 1, z, 4, z, 2, z, 5, z, z, z, z, z};
  alignas(16) static constexpr std::uint8_t four[16] = {0, z, 4, z, 1, z, 5, z, 2, z, 6, z, 3, z, 7, z};
  const U8 u8;
  const auto pair_by_channel = hn::Load(u8, channels == 3 ? three : four);
  const int pairs_stored = (weights.taps + 1) / 2;
  const int outputs = static_cast<int>(weights.first.size());
  for (int x = 0; x < outputs; ++x) {
    const std::uint8_t* from = in + weights.first[x] * std::ptrdiff_t{channels};
    const std::int32_t* high_row = split.high.data() + std::ptrdiff_t{x} * pairs_stored;
    const std::int32_t* low_row = split.low.data() + std::ptrdiff_t{x} * pairs_stored;
    const int pairs = (weights.count[x] + 1) / 2;
    Sums sums = zero_sums();
    for (int p = 0; p < pairs; ++p, from += 2 * channels) {
      const auto pixels = hn::ZeroExtendVector(u8, hn::LoadU(HalfU8(), from));
      sums.add(hn::BitCast(I16(), hn::TableLookupBytesOr0(pixels, pair_by_channel)), high_row[p], low_row[p]);
    }
    std::uint8_t samples[4];
    hn::StoreU(sums.samples(), QuarterU8(), samples);
    std::memcpy(out + x * channels, samples, channels);
  }
}

void Horizontal(const Rows& in, const Weights& weights, const SplitWeights& split, std::uint8_t* out) {
  const std::size_t stride = std::size_t(in.width) * in.channels;
  const std::size_t out_stride = weights.first.size() * in.channels;
  const auto row = in.channels == 3 ? HorizontalRow<3> : HorizontalRow<4>;
  // Reads past a row's end fall into the next row; the last row gets room behind it.
  std::vector<std::uint8_t> last(stride + 16);
  std::memcpy(last.data(), in.samples + (in.rows - 1) * stride, stride);
  for (int y = 0; y + 1 < in.rows; ++y) {
    const bool near_end = y + 2 == in.rows && stride < 16;
    if (!near_end) row(in.samples + y * stride, weights, split, out + y * out_stride);
  }
  row(last.data(), weights, split, out + (in.rows - 1) * out_stride);
  if (in.rows > 1 && stride < 16) {
    std::memcpy(last.data(), in.samples + (in.rows - 2) * stride, stride);
    row(last.data(), weights, split, out + (in.rows - 2) * out_stride);
  }
}

void Vertical(const Rows& in, const Weights& weights, const SplitWeights& split, std::uint8_t* out) {
  const std::int32_t* high = split.high.data();
  const std::int32_t* low = split.low.data();
  const std::ptrdiff_t length = std::ptrdiff_t{in.width} * in.channels;
  const I16 i16;
  const int pairs_stored = (weights.taps + 1) / 2;
  for (std::size_t y = 0; y < weights.first.size(); ++y) {
    const std::uint8_t* top = in.samples + weights.first[y] * length;
    const int count = weights.count[y];
    for (std::ptrdiff_t x = 0; x + 8 <= length; x += 8) {
      Sums left = zero_sums(), right = zero_sums();
      for (int t = 0; t < count; t += 2) {
        const std::uint8_t* from = top + t * length + x;
        const auto first = hn::PromoteTo(i16, hn::LoadU(HalfU8(), from));
        // An odd last row is paired with itself: its partner's weight is zero.
        const auto second = hn::PromoteTo(i16, hn::LoadU(HalfU8(), t + 1 < count ? from + length : from));
        const std::ptrdiff_t pair = static_cast<std::ptrdiff_t>(y) * pairs_stored + t / 2;
        left.add(hn::InterleaveLower(i16, first, second), high[pair], low[pair]);
        right.add(hn::InterleaveUpper(i16, first, second), high[pair], low[pair]);
      }
      hn::StoreU(left.samples(), QuarterU8(), out + x);
      hn::StoreU(right.samples(), QuarterU8(), out + x + 4);
    }
    for (std::ptrdiff_t x = length / 8 * 8; x < length; ++x) {
      std::int32_t sum = half_weight;
      for (int t = 0; t < count; ++t)
        sum += top[t * length + x] * weights.weights[y * weights.taps + static_cast<std::size_t>(t)];
      out[x] = to_sample(sum);
    }
    out += length;
  }
}

#endif  // HWY_TARGET == HWY_SCALAR

}  // namespace beeld::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace beeld {

namespace {

HWY_EXPORT(Horizontal);
HWY_EXPORT(Vertical);

}  // namespace

SplitWeights::SplitWeights(const Weights& weights) {
  const std::size_t taps = weights.taps, pairs = (taps + 1) / 2;
  high.resize(weights.first.size() * pairs);
  low.resize(high.size());
  for (std::size_t i = 0; i < weights.first.size(); ++i) {
    for (std::size_t t = 0; t < taps; ++t) {
      const std::int32_t weight = weights.weights[i * taps + t];
      const std::uint32_t upper = static_cast<std::uint16_t>(weight >> low_bits);
      const std::uint32_t lower = weight & ((1 << low_bits) - 1);
      const int shift = t % 2 == 0 ? 0 : 16;
      high[i * pairs + t / 2] |= static_cast<std::int32_t>(upper << shift);
      low[i * pairs + t / 2] |= static_cast<std::int32_t>(lower << shift);
    }
  }
}

void horizontal_plain(const Rows& in, const Weights& weights, std::uint8_t* out) {
  for (int y = 0; y < in.rows; ++y) {
    const std::uint8_t* row = in.samples + std::size_t(y) * in.width * in.channels;
    for (std::size_t x = 0; x < weights.first.size(); ++x) {
      const std::int32_t* weight = weights.weights.data() + x * weights.taps;
      const std::uint8_t* from = row + std::size_t(weights.first[x]) * in.channels;
      for (int c = 0; c < in.channels; ++c) {
        std::int32_t sum = half_weight;
        for (int t = 0; t < weights.count[x]; ++t) sum += from[t * in.channels + c] * weight[t];
        *out++ = to_sample(sum);
      }
    }
  }
}

void vertical_plain(const Rows& in, const Weights& weights, std::uint8_t* out) {
  const std::size_t length = std::size_t(in.width) * in.channels;
  for (std::size_t y = 0; y < weights.first.size(); ++y) {
    const std::int32_t* weight = weights.weights.data() + y * weights.taps;
    const std::uint8_t* from = in.samples + weights.first[y] * length;
    for (std::size_t x = 0; x < length; ++x) {
      std::int32_t sum = half_weight;
      for (int t = 0; t < weights.count[y]; ++t) sum += from[t * length + x] * weight[t];
      *out++ = to_sample(sum);
    }
  }
}

void horizontal_fast(const Rows& in, const Weights& weights, std::uint8_t* out) {
  if (in.channels < 3) return horizontal_plain(in, weights, out);
  const SplitWeights split(weights);
  HWY_DYNAMIC_DISPATCH(Horizontal)(in, weights, split, out);
}

void vertical_fast(const Rows& in, const Weights& weights, std::uint8_t* out) {
  const SplitWeights split(weights);
  HWY_DYNAMIC_DISPATCH(Vertical)(in, weights, split, out);
}

}  // namespace beeld
#endif  // HWY_ONCE
