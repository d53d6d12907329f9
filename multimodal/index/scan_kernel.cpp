#include "core/kernels/half.h"
#include "multimodal/index/scan.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "multimodal/index/scan_kernel.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h: compiled once for each instruction set.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace beeld::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Four sums, so that additions need not wait for each other; 4 * 16 lanes divide vectors_row_multiple.
void HalfProducts(const HalfRows& rows, const float* query, float* scores) {
  const hn::CappedTag<float, 16> f;
  const hn::Rebind<std::uint16_t, decltype(f)> bits;
  const hn::Rebind<hwy::float16_t, decltype(f)> half;
  const std::size_t lanes = hn::Lanes(f);

  for (std::size_t row = 0; row < rows.count; ++row) {
    const std::uint16_t* values = rows.values + row * rows.stride;
    const auto product = [&](std::size_t i, auto sum) HWY_ATTR {
      const auto value = hn::PromoteTo(f, hn::BitCast(half, hn::LoadU(bits, values + i)));
      return hn::MulAdd(value, hn::LoadU(f, query + i), sum);
    };
    auto a = hn::Zero(f);
    auto b = a;
    auto c = a;
    auto d = a;
    for (std::size_t i = 0; i < rows.stride; i += 4 * lanes) {
      a = product(i, a);
      b = product(i + lanes, b);
      c = product(i + 2 * lanes, c);
      d = product(i + 3 * lanes, d);
    }
    scores[row] = hn::GetLane(hn::SumOfLanes(f, hn::Add(hn::Add(a, b), hn::Add(c, d))));
  }
}

}  // namespace beeld::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace beeld {

HWY_EXPORT(HalfProducts);

void half_products(const HalfRows& rows, const float* query, float* scores) {
  HWY_DYNAMIC_DISPATCH(HalfProducts)(rows, query, scores);
}

void half_products_plain(const HalfRows& rows, const float* query, float* scores) {
  for (std::size_t row = 0; row < rows.count; ++row) {
    float sum = 0;
    for (std::size_t i = 0; i < rows.stride; ++i)
      sum += from_half(rows.values[row * rows.stride + i]) * query[i];
    scores[row] = sum;
  }
}

}  // namespace beeld
#endif
