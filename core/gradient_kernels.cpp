#include "core/gradient_kernels.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/gradient_kernels.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h: these are compiled once for each instruction set.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "core/kernels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace beeld::HWY_NAMESPACE {

using V = hn::Vec<F>;

HWY_INLINE V sigmoid(V x) {
  const F f;
  const auto one = hn::Set(f, 1.0F);
  // Beyond it the exponential has no float, and Highway's no meaning.
  const auto bounded = hn::Min(hn::Neg(x), hn::Set(f, 88.0F));
  return hn::Div(one, hn::Add(one, hn::Exp(f, bounded)));
}

/// An activation and its slope at z.
struct ValueAndSlope {
  V value, slope;
};

HWY_INLINE ValueAndSlope swish(V z, float beta) {
  const F f;
  const auto factor = hn::Set(f, beta);
  const auto s = sigmoid(hn::Mul(factor, z));
  const auto y = hn::Mul(z, s);
  // s + beta z s (1 - s)
  return {y, hn::MulAdd(hn::Mul(factor, y), hn::Sub(hn::Set(f, 1.0F), s), s)};
}

HWY_INLINE ValueAndSlope gelu_by_tanh(V z) {
  const F f;
  const auto root = hn::Set(f, 0.79788456080286535588F);  // sqrt(2/pi)
  const auto cubic = hn::Set(f, 0.044715F), one = hn::Set(f, 1.0F), half = hn::Set(f, 0.5F);
  const auto square = hn::Mul(z, z);
  const auto t = hn::Tanh(f, hn::Mul(hn::Mul(root, z), hn::MulAdd(cubic, square, one)));
  const auto inner = hn::Mul(root, hn::MulAdd(hn::Set(f, 3 * 0.044715F), square, one));
  const auto halved = hn::Mul(half, hn::Add(one, t));
  const auto bend = hn::Mul(hn::Mul(half, z), hn::Mul(hn::NegMulAdd(t, t, one), inner));
  return {hn::Mul(z, halved), hn::Add(halved, bend)};
}

// The complementary error function at |x| times exp(x^2): formula 7.1.26 of Abramowitz & Stegun,
// within 1.5e-7.
HWY_INLINE V scaled_erfc(V magnitude) {
  const F f;
  const auto one = hn::Set(f, 1.0F);
  const auto t = hn::Div(one, hn::MulAdd(hn::Set(f, 0.3275911F), magnitude, one));
  auto sum = hn::Set(f, 1.061405429F);
  for (const float a : {-1.453152027F, 1.421413741F, -0.284496736F, 0.254829592F})
    sum = hn::MulAdd(sum, t, hn::Set(f, a));
  return hn::Mul(sum, t);
}

HWY_INLINE ValueAndSlope gelu_by_erf(V z) {
  const F f;
  const auto one = hn::Set(f, 1.0F), half = hn::Set(f, 0.5F);
  const auto x = hn::Mul(z, hn::Set(f, 0.70710678118654752F));
  const auto bell = hn::Exp(f, hn::Max(hn::Neg(hn::Mul(x, x)), hn::Set(f, -87.0F)));
  const auto tail = hn::Mul(half, hn::Mul(scaled_erfc(hn::Abs(x)), bell));
  const auto phi = hn::IfThenElse(hn::Lt(z, hn::Zero(f)), tail, hn::Sub(one, tail));
  const auto density = hn::Mul(bell, hn::Set(f, 0.39894228040143268F));  // 1/sqrt(2 pi)
  return {hn::Mul(z, phi), hn::MulAdd(z, density, phi)};
}

HWY_INLINE ValueAndSlope value_and_slope(V z, Activation activation) {
  const F f;
  const auto zero = hn::Zero(f), one = hn::Set(f, 1.0F);
  switch (activation) {
    case Activation::relu:
      return {hn::Max(z, zero), hn::IfThenElseZero(hn::Gt(z, zero), one)};
    case Activation::quick_gelu:
      return swish(z, 1.702F);
    case Activation::silu:
      return swish(z, 1);
    case Activation::gelu:
      return gelu_by_erf(z);
    case Activation::gelu_tanh:
      return gelu_by_tanh(z);
    default:
      return {z, one};
  }
}

void ActivateValues(const float* z, std::int64_t count, Activation activation, float* y) {
  for_each_vector(count, [&](std::int64_t i, std::int64_t n) HWY_ATTR {
    store(value_and_slope(load(z + i, n), activation).value, y + i, n);
  });
}

void ActivationGradientValues(const float* z, const float* dy, std::int64_t count, Activation activation,
                              float* dz) {
  for_each_vector(count, [&](std::int64_t i, std::int64_t n) HWY_ATTR {
    store(hn::Mul(load(dy + i, n), value_and_slope(load(z + i, n), activation).slope), dz + i, n);
  });
}

/// With x^ = (x - mean) * scale and g = gain * dy: dx = scale * (g - mean(g) - x^ mean(g x^)).
/// Without a mean (root mean square) the middle term is absent.
HWY_INLINE void row_gradient(const NormRow& row, const NormRowGradient& gradient, float mean_value,
                             float scale_value, bool centred) {
  const F f;
  const auto mean = hn::Set(f, mean_value), scale = hn::Set(f, scale_value);
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
  const auto mean_g = hn::Set(f, centred ? hn::GetLane(hn::SumOfLanes(f, sum)) / width : 0.0F);
  const auto mean_normed = hn::Set(f, hn::GetLane(hn::SumOfLanes(f, sum_normed)) / width);
  for_each_vector(row.width, [&](std::int64_t i, std::int64_t n) HWY_ATTR {
    const auto normed = hn::Mul(hn::Sub(load(row.x + i, n), mean), scale);
    const auto g = hn::Mul(load(gradient.dy + i, n), load(row.gain + i, n));
    store(hn::Mul(scale, hn::NegMulAdd(normed, mean_normed, hn::Sub(g, mean_g))), gradient.dx + i, n);
  });
}

void LayerNormRowGradient(const NormRow& row, const NormRowGradient& gradient) {
  const F f;
  auto total = hn::Zero(f);
  for_each_vector(row.width, [&](std::int64_t i, std::int64_t n)
                                 HWY_ATTR { total = hn::Add(total, load(row.x + i, n)); });
  const auto width = static_cast<float>(row.width);
  const float mean = hn::GetLane(hn::SumOfLanes(f, total)) / width;
  const float variance = sum_of_squares(row.x, mean, row.width) / width;
  row_gradient(row, gradient, mean, 1 / std::sqrt(variance + row.eps), true);
}

void RmsNormRowGradient(const NormRow& row, const NormRowGradient& gradient) {
  const float mean_square = sum_of_squares(row.x, 0, row.width) / static_cast<float>(row.width);
  row_gradient(row, gradient, 0, 1 / std::sqrt(mean_square + row.eps), false);
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
HWY_EXPORT(ActivationGradientValues);
HWY_EXPORT(LayerNormRowGradient);
HWY_EXPORT(RmsNormRowGradient);
HWY_EXPORT(AddValues);

void activate_values(const float* z, std::int64_t count, Activation activation, float* y) {
  HWY_DYNAMIC_DISPATCH(ActivateValues)(z, count, activation, y);
}

void activation_gradient_values(const float* z, const float* dy, std::int64_t count, Activation activation,
                                float* dz) {
  HWY_DYNAMIC_DISPATCH(ActivationGradientValues)(z, dy, count, activation, dz);
}

void layer_norm_row_gradient(const NormRow& row, const NormRowGradient& gradient) {
  HWY_DYNAMIC_DISPATCH(LayerNormRowGradient)(row, gradient);
}

void rms_norm_row_gradient(const NormRow& row, const NormRowGradient& gradient) {
  HWY_DYNAMIC_DISPATCH(RmsNormRowGradient)(row, gradient);
}

void add_values(const float* x, std::int64_t count, float* y) {
  HWY_DYNAMIC_DISPATCH(AddValues)(x, count, y);
}

}  // namespace beeld
#endif
