#include "core/ops/cross_entropy.h"

#include <beeld/error.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace beeld {

namespace {

/// log softmax of every row, in place.
template <class T>
void log_softmax_rows(Tensor<T>& x) {
  for (std::int64_t i = 0; i < x.rows(); ++i) {
    T* row = x.row(i);
    const T highest = *std::max_element(row, row + x.columns());
    T sum = 0;
    for (std::int64_t j = 0; j < x.columns(); ++j) sum += std::exp(row[j] - highest);
    const T shift = highest + std::log(sum);
    std::for_each_n(row, x.columns(), [shift](T& value) { value -= shift; });
  }
}

}  // namespace

template <class T>
T row_cross_entropy(Tensor<T>& logits, const Tensor<T>& targets) {
  log_softmax_rows(logits);
  T value = 0;
  for (std::int64_t i = 0; i < logits.rows(); ++i) {
    T* row = logits.row(i);
    const T* target = targets.row(i);
    const T mass = std::accumulate(target, target + logits.columns(), T{0});
    for (std::int64_t j = 0; j < logits.columns(); ++j) {
      if (target[j] > 0) value -= target[j] * row[j];
      row[j] = mass * std::exp(row[j]) - target[j];
    }
  }
  return value;
}

template <class T>
T cross_entropy(const Tensor<T>& logits, std::span<const std::int64_t> labels, T weight,
                Tensor<T>& gradient) {
  auto targets = Tensor<T>::zeros(logits.shape());
  for (std::int64_t i = 0; i < logits.rows(); ++i) {
    const auto label =
        i < static_cast<std::int64_t>(labels.size()) ? labels[static_cast<std::size_t>(i)] : -1;
    if (label < 0 || label >= logits.columns()) {
      throw Error(ErrorCode::invalid_argument, "[cross_entropy] label " + std::to_string(label) + " of " +
                                                   std::to_string(logits.columns()) + " classes");
    }
    targets.row(i)[label] = 1;
  }
  auto slope = logits.clone();
  const T factor = weight / static_cast<T>(std::max<std::int64_t>(logits.rows(), 1));
  const T value = factor * row_cross_entropy(slope, targets);
  for (std::int64_t i = 0; i < slope.size(); ++i) gradient.data()[i] += factor * slope.data()[i];
  return value;
}

template float row_cross_entropy(Tensor<float>&, const Tensor<float>&);
template double row_cross_entropy(Tensor<double>&, const Tensor<double>&);
template float cross_entropy(const Tensor<float>&, std::span<const std::int64_t>, float, Tensor<float>&);
template double cross_entropy(const Tensor<double>&, std::span<const std::int64_t>, double, Tensor<double>&);

}  // namespace beeld
