#include "core/ops/norm.h"

#include <beeld/error.h>

#include <cmath>

#include "core/kernels.h"

namespace beeld {

template <class T>
void norm_row_plain(const T* x, const Norm<T>& weights, T* y) {
  const auto width = weights.gain.size();
  T mean = 0;
  if (weights.kind == NormKind::layer) {
    for (std::int64_t j = 0; j < width; ++j) mean += x[j];
    mean /= static_cast<T>(width);
  }
  T variance = 0;
  for (std::int64_t j = 0; j < width; ++j) variance += (x[j] - mean) * (x[j] - mean);
  variance /= static_cast<T>(width);
  const T scale = 1 / std::sqrt(variance + static_cast<T>(weights.eps));
  for (std::int64_t j = 0; j < width; ++j) {
    y[j] = (x[j] - mean) * scale * weights.gain.data()[j] +
           (weights.bias.empty() ? T{0} : weights.bias.data()[j]);
  }
}

namespace {

void norm_row(const float* x, const Norm<float>& w, float* y) {
  const NormRow row{x, w.gain.data(), w.bias.empty() ? nullptr : w.bias.data(), w.gain.size(),
                    static_cast<float>(w.eps)};
  w.kind == NormKind::layer ? layer_norm_row(row, y) : rms_norm_row(row, y);
}

void norm_row(const double* x, const Norm<double>& w, double* y) { norm_row_plain(x, w, y); }

}  // namespace

template <class T>
Tensor<T> norm(const Tensor<T>& x, const Norm<T>& weights, Pass<T>&) {
  if (x.columns() != weights.gain.size()) {
    throw Error(ErrorCode::invalid_argument, "[norm] a gain of " + std::to_string(weights.gain.size()) +
                                                 " values for rows " + x.shape().string());
  }
  Tensor<T> y(x.shape());
  for (std::int64_t i = 0; i < x.rows(); ++i) norm_row(x.row(i), weights, y.row(i));
  return y;
}

template Tensor<float> norm(const Tensor<float>&, const Norm<float>&, Pass<float>&);
template Tensor<double> norm(const Tensor<double>&, const Norm<double>&, Pass<double>&);
template void norm_row_plain(const float*, const Norm<float>&, float*);

}  // namespace beeld
