#include "core/ops/norm.h"

#include <beeld/error.h>

#include <cmath>
#include <string>
#include <utility>

#include "core/kernels/gradient_kernels.h"
#include "core/tensor/tape.h"

namespace beeld {

namespace {

/// A row is brought to (x - mean) * scale before gain and bias.
template <class T>
struct RowStatistics {
  T mean = 0, scale = 0;
};

template <class T>
RowStatistics<T> statistics(const T* x, const Norm<T>& weights) {
  const auto width = weights.gain.size();
  T mean = 0;
  if (weights.kind == NormKind::layer) {
    for (std::int64_t j = 0; j < width; ++j) mean += x[j];
    mean /= static_cast<T>(width);
  }
  T variance = 0;
  for (std::int64_t j = 0; j < width; ++j) variance += (x[j] - mean) * (x[j] - mean);
  variance /= static_cast<T>(width);
  return {mean, 1 / std::sqrt(variance + static_cast<T>(weights.eps))};
}

}  // namespace

template <class T>
void norm_row_plain(const T* x, const Norm<T>& weights, T* y) {
  const auto [mean, scale] = statistics(x, weights);
  for (std::int64_t j = 0; j < weights.gain.size(); ++j) {
    y[j] = (x[j] - mean) * scale * weights.gain.data()[j] +
           (weights.bias.empty() ? T{0} : weights.bias.data()[j]);
  }
}

template <class T>
void norm_row_backward_plain(const T* x, const Norm<T>& weights, const NormGradient<T>& gradient) {
  // With x^ = (x - mean) * scale and g = gain * dy: dx = scale * (g - mean(g) - x^ mean(g x^)); without a
  // mean the middle term is absent.
  const auto width = weights.gain.size();
  const auto [mean, scale] = statistics(x, weights);
  T sum = 0, sum_normed = 0;
  for (std::int64_t j = 0; j < width; ++j) {
    const T normed = (x[j] - mean) * scale, g = weights.gain.data()[j] * gradient.dy[j];
    gradient.gain[j] += gradient.dy[j] * normed;
    if (gradient.bias) gradient.bias[j] += gradient.dy[j];
    sum += g;
    sum_normed += g * normed;
  }
  const T count = static_cast<T>(width);
  const T mean_g = weights.kind == NormKind::layer ? sum / count : T{0};
  for (std::int64_t j = 0; j < width; ++j) {
    const T normed = (x[j] - mean) * scale, g = weights.gain.data()[j] * gradient.dy[j];
    gradient.dx[j] = scale * (g - mean_g - normed * sum_normed / count);
  }
}

namespace {

void norm_row(const float* x, const Norm<float>& w, float* y) {
  const NormRow row{x, w.gain.data(), w.bias.empty() ? nullptr : w.bias.data(), w.gain.size(),
                    static_cast<float>(w.eps)};
  w.kind == NormKind::layer ? layer_norm_row(row, y) : rms_norm_row(row, y);
}

void norm_row(const double* x, const Norm<double>& w, double* y) { norm_row_plain(x, w, y); }

void norm_row_backward(const float* x, const Norm<float>& w, const NormGradient<float>& gradient) {
  const NormRow row{x, w.gain.data(), nullptr, w.gain.size(), static_cast<float>(w.eps)};
  const NormRowGradient parts{gradient.dy, gradient.dx, gradient.gain, gradient.bias};
  w.kind == NormKind::layer ? layer_norm_row_backward(row, parts) : rms_norm_row_backward(row, parts);
}

void norm_row_backward(const double* x, const Norm<double>& w, const NormGradient<double>& gradient) {
  norm_row_backward_plain(x, w, gradient);
}

}  // namespace

/// Where the gradients of gain and bias are added to: the parameters' own, or nowhere that lasts.
template <class T>
std::pair<Tensor<T>, Tensor<T>> parameter_gradients(const Norm<T>& weights, Tape<T>& tape) {
  const auto of = [&](const Tensor<T>& parameter) {
    if (parameter.empty()) return parameter;
    return tape.watches(parameter) ? tape.sum(parameter) : Tensor<T>::zeros(parameter.shape());
  };
  return {of(weights.gain), of(weights.bias)};
}

template <class T>
void norm_backward(const Tensor<T>& dy, const Tensor<T>& x, const Norm<T>& weights, Tape<T>& tape);

template <class T>
Tensor<T> norm(const Tensor<T>& x, const Norm<T>& weights, Pass<T>& pass) {
  if (x.columns() != weights.gain.size()) {
    throw Error(ErrorCode::invalid_argument, "[norm] a gain of " + std::to_string(weights.gain.size()) +
                                                 " values for rows " + x.shape().string());
  }
  const OpTimer timer(pass.times, Op::norm);
  Tensor<T> y(x.shape());
  for (std::int64_t i = 0; i < x.rows(); ++i) norm_row(x.row(i), weights, y.row(i));
  if (auto* tape = pass.tape) {
    tape->record(y, {x.identity(), weights.gain.identity(), weights.bias.identity()},
                 [=](const Tensor<T>& dy) { norm_backward(dy, x, weights, *tape); });
  }
  return y;
}

template <class T>
void norm_backward(const Tensor<T>& dy, const Tensor<T>& x, const Norm<T>& weights, Tape<T>& tape) {
  auto [d_gain, d_bias] = parameter_gradients(weights, tape);
  Tensor<T> dx(x.shape());
  for (std::int64_t i = 0; i < x.rows(); ++i) {
    norm_row_backward(x.row(i), weights, {dy.row(i), dx.row(i), d_gain.data(), d_bias.data()});
  }
  tape.add(x, dx);
}

/// The gradient of rows whose first columns are heads that were normed.
template <class T>
struct HeadsGradient {
  const Tensor<T>& dy;
  const Tensor<T>& x;
  std::int64_t heads;
};

template <class T>
void norm_heads_backward(const HeadsGradient<T>& of, const Norm<T>& weights, Tape<T>& tape);

template <class T>
Tensor<T> norm_heads(const Tensor<T>& x, const Norm<T>& weights, std::int64_t heads, Pass<T>& pass) {
  const auto width = weights.gain.size();
  if (heads < 1 || heads * width > x.columns()) {
    throw Error(ErrorCode::invalid_argument, "[norm] " + std::to_string(heads) + " heads of " +
                                                 std::to_string(width) + " in rows " + x.shape().string());
  }
  const OpTimer timer(pass.times, Op::norm);
  auto y = x.clone();
  for (std::int64_t i = 0; i < x.rows(); ++i) {
    for (std::int64_t h = 0; h < heads; ++h) norm_row(x.row(i) + h * width, weights, y.row(i) + h * width);
  }
  if (auto* tape = pass.tape) {
    tape->record(y, {x.identity(), weights.gain.identity(), weights.bias.identity()},
                 [=](const Tensor<T>& dy) {
                   norm_heads_backward<T>({dy, x, heads}, weights, *tape);
                 });
  }
  return y;
}

template <class T>
void norm_heads_backward(const HeadsGradient<T>& of, const Norm<T>& weights, Tape<T>& tape) {
  const auto width = weights.gain.size();
  auto [d_gain, d_bias] = parameter_gradients(weights, tape);
  auto dx = of.dy.clone();
  for (std::int64_t i = 0; i < of.x.rows(); ++i) {
    for (std::int64_t h = 0; h < of.heads; ++h) {
      const auto at = h * width;
      norm_row_backward(of.x.row(i) + at, weights,
                        {of.dy.row(i) + at, dx.row(i) + at, d_gain.data(), d_bias.data()});
    }
  }
  tape.add(of.x, dx);
}

template Tensor<float> norm(const Tensor<float>&, const Norm<float>&, Pass<float>&);
template Tensor<float> norm_heads(const Tensor<float>&, const Norm<float>&, std::int64_t, Pass<float>&);
template Tensor<double> norm_heads(const Tensor<double>&, const Norm<double>&, std::int64_t, Pass<double>&);
template Tensor<double> norm(const Tensor<double>&, const Norm<double>&, Pass<double>&);
template void norm_row_plain(const float*, const Norm<float>&, float*);
template void norm_row_backward_plain(const float*, const Norm<float>&, const NormGradient<float>&);

}  // namespace beeld
