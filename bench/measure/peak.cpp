#include "bench/measure/peak.h"

#include <cstdint>
#include <thread>
#include <vector>

#include "bench/measure/median.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/measure/peak.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h: this is compiled once for each instruction set.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace beeld::bench::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Twelve sums that do not wait for each other keep two units with a latency of four or five cycles busy.
// Returns the number of operations.
double MultiplyAdd(std::int64_t rounds, float* sink) {
  const hn::ScalableTag<float> f;
  const auto factor = hn::Set(f, 0.999F);
  // All different, or the compiler would see that they are one.
  auto a = hn::Set(f, 0.01F), b = hn::Set(f, 0.02F), c = hn::Set(f, 0.03F), d = hn::Set(f, 0.04F);
  auto e = hn::Set(f, 0.05F), g = hn::Set(f, 0.06F), h = hn::Set(f, 0.07F), i = hn::Set(f, 0.08F);
  auto j = hn::Set(f, 0.09F), k = hn::Set(f, 0.10F), l = hn::Set(f, 0.11F), m = hn::Set(f, 0.12F);
  for (std::int64_t round = 0; round < rounds; ++round) {
    a = hn::MulAdd(a, factor, factor);
    b = hn::MulAdd(b, factor, factor);
    c = hn::MulAdd(c, factor, factor);
    d = hn::MulAdd(d, factor, factor);
    e = hn::MulAdd(e, factor, factor);
    g = hn::MulAdd(g, factor, factor);
    h = hn::MulAdd(h, factor, factor);
    i = hn::MulAdd(i, factor, factor);
    j = hn::MulAdd(j, factor, factor);
    k = hn::MulAdd(k, factor, factor);
    l = hn::MulAdd(l, factor, factor);
    m = hn::MulAdd(m, factor, factor);
  }
  const auto first = hn::Add(hn::Add(hn::Add(a, b), hn::Add(c, d)), hn::Add(e, g));
  const auto second = hn::Add(hn::Add(hn::Add(h, i), hn::Add(j, k)), hn::Add(l, m));
  *sink = hn::GetLane(hn::SumOfLanes(f, hn::Add(first, second)));
  return 12.0 * 2.0 * static_cast<double>(hn::Lanes(f)) * static_cast<double>(rounds);
}

}  // namespace beeld::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace beeld::bench {

HWY_EXPORT(MultiplyAdd);

double fma_peak(int threads) {
  constexpr std::int64_t rounds = 8'000'000;
  std::vector<float> sinks(static_cast<std::size_t>(threads));
  double operations = 0;
  const double seconds = median_seconds(5, [&] {
    std::vector<std::jthread> workers;
    for (std::size_t t = 1; t < sinks.size(); ++t) {
      workers.emplace_back([&, t] { HWY_DYNAMIC_DISPATCH(MultiplyAdd)(rounds, &sinks[t]); });
    }
    operations = HWY_DYNAMIC_DISPATCH(MultiplyAdd)(rounds, sinks.data());
  });
  return operations * threads / seconds;
}

}  // namespace beeld::bench
#endif
