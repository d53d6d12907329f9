#include "core/tensor/tape.h"

#include <algorithm>

namespace beeld {

template <class T>
void Tape<T>::watch(const Tensor<T>& parameter) {
  gradients_.try_emplace(parameter.identity());
}

template <class T>
void Tape<T>::record(const Tensor<T>& result, std::initializer_list<Values> inputs, Step step) {
  if (std::none_of(inputs.begin(), inputs.end(), [&](Values input) { return watches(input); })) return;
  watch(result);
  steps_.push_back({result.identity(), std::move(step)});
}

template <class T>
void Tape<T>::add(Values values, const Tensor<T>& gradient) {
  const auto it = gradients_.find(values);
  if (it == gradients_.end()) return;
  auto& sum = it->second;
  if (sum.empty()) {
    sum = gradient;
    return;
  }
  // The handle may be shared with the gradient of another value.
  if (!sum.unique()) sum = sum.clone();
  std::transform(gradient.data(), gradient.data() + gradient.size(), sum.data(), sum.data(), std::plus<T>());
}

template <class T>
Tensor<T> Tape<T>::sum(const Tensor<T>& values) {
  auto& sum = gradients_[values.identity()];
  if (sum.empty()) {
    sum = Tensor<T>::zeros(values.shape());
  } else if (!sum.unique()) {
    sum = sum.clone();
  }
  return sum;
}

template <class T>
void Tape<T>::backward() {
  while (!steps_.empty()) {
    const auto [result, step] = std::move(steps_.back());
    steps_.pop_back();
    const auto it = gradients_.find(result);
    if (it == gradients_.end() || it->second.empty()) continue;
    const auto gradient = std::move(it->second);
    // An operation that wrote over its input left both under one name: the input is still to come.
    it->second = {};
    step(gradient);
  }
}

template <class T>
Tensor<T> Tape<T>::gradient(const Tensor<T>& parameter) const {
  const auto it = gradients_.find(parameter.identity());
  return it == gradients_.end() ? Tensor<T>{} : it->second;
}

template class Tape<float>;
template class Tape<double>;

}  // namespace beeld
