#include "core/kernels/depthwise.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/depthwise.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h: these are compiled once for each instruction set.
#include <hwy/highway.h>

#include "core/kernels/kernels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace beeld::HWY_NAMESPACE {

// Places side by side that share a weight while it is in a register.
constexpr int places_a_tile = 6;

/// Some channels of one output row, and the window's lines that lie on the map.
struct Strip {
  const DepthwiseMap& map;
  std::int64_t top;         // line of the map under the window's first
  std::int64_t first, end;  // lines of the window
  std::int64_t channel;
  std::int64_t channels;  // at most as many as a vector has
  float* y;
};

/// Whether a strip has as many channels as a vector. Told apart outside of the sums, which have no masks
/// then.
enum class Channels { all, some };

/// The sums at steps [step, step + Places), of the window's columns [left, right), which lie on the map
/// there.
template <int Places, Channels Filled>
HWY_INLINE void tile(const Strip& strip, std::int64_t step, std::int64_t left, std::int64_t right) {
  const F f;
  const auto& map = strip.map;
  const auto n = Filled == Channels::all ? static_cast<std::int64_t>(hn::Lanes(f)) : strip.channels;
  const auto channels = map.channels, apart = map.stride * channels;
  const auto start = map.bias ? load(map.bias + strip.channel, n) : hn::Zero(f);
  V sum[Places];
#pragma GCC unroll 6
  for (int i = 0; i < Places; ++i) sum[i] = start;
  for (auto line = strip.first; line < strip.end; ++line) {
    const auto place = (strip.top + line) * map.width + step * map.stride - map.padding;
    const float* x = map.x + (place + left) * channels + strip.channel;
    const float* taps = map.taps + (line * map.edge + left) * channels + strip.channel;
    for (auto column = left; column < right; ++column, x += channels, taps += channels) {
      const auto tap = load(taps, n);
#pragma GCC unroll 6
      for (int i = 0; i < Places; ++i) sum[i] = hn::MulAdd(tap, load(x + i * apart, n), sum[i]);
    }
  }
#pragma GCC unroll 6
  for (int i = 0; i < Places; ++i) store(sum[i], strip.y + (step + i) * channels + strip.channel, n);
}

template <Channels Filled>
HWY_INLINE void along(const Strip& strip) {
  const auto& map = strip.map;
  for (std::int64_t step = 0; step < map.steps;) {
    const auto at = step * map.stride - map.padding;
    const auto left = std::max<std::int64_t>(0, -at), right = std::min(map.edge, map.width - at);
    const auto last = at + (places_a_tile - 1) * map.stride;
    if (at >= 0 && last + map.edge <= map.width && step + places_a_tile <= map.steps) {
      tile<places_a_tile, Filled>(strip, step, 0, map.edge);
      step += places_a_tile;
    } else {
      tile<1, Filled>(strip, step, left, std::max(left, right));
      ++step;
    }
  }
}

void DepthwiseRow(const DepthwiseMap& map, std::int64_t row, float* y) {
  const auto top = row * map.stride - map.padding;
  const auto first = std::max<std::int64_t>(0, -top),
             end = std::max(first, std::min(map.edge, map.height - top));
  for_each_vector(map.channels, [&](std::int64_t channel, std::int64_t n) HWY_ATTR {
    const F f;
    const Strip strip{map, top, first, end, channel, n, y};
    if (n == static_cast<std::int64_t>(hn::Lanes(f))) {
      along<Channels::all>(strip);
    } else {
      along<Channels::some>(strip);
    }
  });
}

}  // namespace beeld::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace beeld {

HWY_EXPORT(DepthwiseRow);

void depthwise_row(const DepthwiseMap& map, std::int64_t row, float* y) {
  HWY_DYNAMIC_DISPATCH(DepthwiseRow)(map, row, y);
}

}  // namespace beeld
#endif
