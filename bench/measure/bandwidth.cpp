#include "bench/measure/bandwidth.h"

#include <atomic>
#include <cstdint>

#include "core/base/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/measure/bandwidth.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h: this is compiled once for each instruction set.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace beeld::bench::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// What is behind the last four whole vectors is left out.
std::uint64_t ReadPart(const std::byte* bytes, std::size_t size) {
  const hn::ScalableTag<std::uint64_t> d;
  const std::size_t step = hn::Lanes(d) * sizeof(std::uint64_t);
  auto a = hn::Zero(d), b = a, c = a, e = a;
  const auto load = [&](std::size_t at)
                        HWY_ATTR { return hn::LoadU(d, reinterpret_cast<const std::uint64_t*>(bytes + at)); };
  for (std::size_t i = 0; i + 4 * step <= size; i += 4 * step) {
    a = hn::Xor(a, load(i));
    b = hn::Xor(b, load(i + step));
    c = hn::Xor(c, load(i + 2 * step));
    e = hn::Xor(e, load(i + 3 * step));
  }
  return hn::GetLane(hn::Xor(hn::Xor(a, b), hn::Xor(c, e)));
}

}  // namespace beeld::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace beeld::bench {

HWY_EXPORT(ReadPart);

void read_all(std::span<const std::byte> bytes) {
  static std::atomic<std::uint64_t> sink = 0;  // or the compiler could leave the reading out
  constexpr std::size_t part = 16U << 20;
  const auto parts = static_cast<std::int64_t>((bytes.size() + part - 1) / part);
  parallel_for(parts, 1, [&](std::int64_t begin, std::int64_t end) {
    const auto first = static_cast<std::size_t>(begin) * part;
    const auto last = std::min(static_cast<std::size_t>(end) * part, bytes.size());
    sink += HWY_DYNAMIC_DISPATCH(ReadPart)(bytes.data() + first, last - first);
  });
}

}  // namespace beeld::bench
#endif
