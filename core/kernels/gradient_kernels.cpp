#include "core/kernels/gradient_kernels.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/gradient_kernels.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h: these are compiled once for each instruction set.
#include <hwy/highway.h>

#include "core/kernels/activations-inl.h"
#include "core/kernels/kernels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace beeld::HWY_NAMESPACE {

void ActivateValues(const float* z, std::int64_t count, Activation activation, float* y) {
  for_each_vector(count, [&](std::int64_t i, std::int64_t n) HWY_ATTR {
    store(value_and_slope(load(z + i, n), activation).value, y + i, n);
  });
}

void ActivateValuesBackward(std::span<const float> inputs, const float* dy, Activation activation,
                            float* dz) {
  const float* z = inputs.data();
  for_each_vector(static_cast<std::int64_t>(inputs.size()), [&](std::int64_t i, std::int64_t n) HWY_ATTR {
    store(hn::Mul(load(dy + i, n), value_and_slope(load(z + i, n), activation).slope), dz + i, n);
  });
}

struct Statistics {
  float mean, scale;
  bool centred;  // by the mean
};

/// With x^ = (x - mean) * scale and g = gain * dy: dx = scale * (g - mean(g) - x^ mean(g x^)).
/// Without a mean (root mean square) the middle term is absent.
HWY_INLINE void row_backward(const NormRow& row, const NormRowGradient& gradient, Statistics statistics) {
  const F f;
  const auto mean = hn::Set(f, statistics.mean), scale = hn::Set(f, statistics.scale);
  auto sum = hn::Zero(f), sum_normed = hn::Zero(f);
  for_each_vector(row.width, [&](std::int64_t i, std::int64_t n) HWY_ATTR {
    const auto valid = hn::FirstN(f, static_cast<std::size_t>(n));
    const auto normed = hn::IfThenElseZero(valid, hn::Mul(hn::Sub(load(row.x + i, n), mean), scale));
    const auto dy = load(gradient.dy + i, n);
    store(hn::MulAdd(dy, normed, load(gradient.gain + i, n)), gradient.gain + i, n);
    if (gradient.bias) store(hn::Add(dy, load(gradient.bias + i, n)), gradient.bias + i, n);
    const auto g = hn::IfThenElseZero(valid, hn::Mul(dy, load(row.gain + i, n)));
    sum = hn::Add(sum, g);
    sum_normed = hn::MulAdd(g, normed, sum_normed);
  });
  const auto width = static_cast<float>(row.width);
  const auto mean_g = hn::Set(f, statistics.centred ? hn::GetLane(hn::SumOfLanes(f, sum)) / width : 0.0F);
  const auto mean_normed = hn::Set(f, hn::GetLane(hn::SumOfLanes(f, sum_normed)) / width);
  for_each_vector(row.width, [&](std::int64_t i, std::int64_t n) HWY_ATTR {
    const auto normed = hn::Mul(hn::Sub(load(row.x + i, n), mean), scale);
    const auto g = hn::Mul(load(gradient.dy + i, n), load(row.gain + i, n));
    store(hn::Mul(scale, hn::NegMulAdd(normed, mean_normed, hn::Sub(g, mean_g))), gradient.dx + i, n);
  });
}

void LayerNormRowBackward(const NormRow& row, const NormRowGradient& gradient) {
  const F f;
  auto total = hn::Zero(f);
  for_each_vector(row.width, [&](std::int64_t i, std::int64_t n)
                                 HWY_ATTR { total = hn::Add(total, load(row.x + i, n)); });
  const auto width = static_cast<float>(row.width);
  const float mean = hn::GetLane(hn::SumOfLanes(f, total)) / width;
  const float variance = sum_of_squares(row.x, mean, row.width) / width;
  row_backward(row, gradient, {mean, 1 / std::sqrt(variance + row.eps), true});
}

void RmsNormRowBackward(const NormRow& row, const NormRowGradient& gradient) {
  const float mean_square = sum_of_squares(row.x, 0, row.width) / static_cast<float>(row.width);
  row_backward(row, gradient, {0, 1 / std::sqrt(mean_square + row.eps), false});
}

void AddValues(const float* x, std::int64_t count, float* y) {
  for_each_vector(count, [&](std::int64_t i, std::int64_t n)
                             HWY_ATTR { store(hn::Add(load(x + i, n), load(y + i, n)), y + i, n); });
}

}  // namespace beeld::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace beeld {

HWY_EXPORT(ActivateValues);
HWY_EXPORT(ActivateValuesBackward);
HWY_EXPORT(LayerNormRowBackward);
HWY_EXPORT(RmsNormRowBackward);
HWY_EXPORT(AddValues);

void activate_values(const float* z, std::int64_t count, Activation activation, float* y) {
  HWY_DYNAMIC_DISPATCH(ActivateValues)(z, count, activation, y);
}

void activate_values_backward(std::span<const float> z, const float* dy, Activation activation, float* dz) {
  HWY_DYNAMIC_DISPATCH(ActivateValuesBackward)(z, dy, activation, dz);
}

void layer_norm_row_backward(const NormRow& row, const NormRowGradient& gradient) {
  HWY_DYNAMIC_DISPATCH(LayerNormRowBackward)(row, gradient);
}

void rms_norm_row_backward(const NormRow& row, const NormRowGradient& gradient) {
  HWY_DYNAMIC_DISPATCH(RmsNormRowBackward)(row, gradient);
}

void add_values(const float* x, std::int64_t count, float* y) {
  HWY_DYNAMIC_DISPATCH(AddValues)(x, count, y);
}

}  // namespace beeld
#endif
