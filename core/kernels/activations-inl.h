// Activations and their slopes, a vector at a time. Compiled once for each instruction set (Highway).

#if defined(BEELD_CORE_ACTIVATIONS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BEELD_CORE_ACTIVATIONS_INL_H_
#undef BEELD_CORE_ACTIVATIONS_INL_H_
#else
#define BEELD_CORE_ACTIVATIONS_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "core/kernels/activation.h"
#include "core/kernels/kernels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace beeld::HWY_NAMESPACE {

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
    case Activation::sigmoid: {
      const auto s = sigmoid(z);
      return {s, hn::Mul(s, hn::Sub(one, s))};
    }
    case Activation::gelu:
      return gelu_by_erf(z);
    case Activation::gelu_tanh:
      return gelu_by_tanh(z);
    case Activation::tanh: {
      const auto t = hn::Tanh(f, z);
      return {t, hn::NegMulAdd(t, t, one)};
    }
    default:
      return {z, one};
  }
}

}  // namespace beeld::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
