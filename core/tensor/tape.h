#pragma once

#include <functional>
#include <initializer_list>
#include <unordered_map>
#include <vector>

#include "core/tensor/tensor.h"

namespace beeld {

/// What a forward pass remembers for its gradients. Every operation records how the gradient of its result
/// becomes gradients of its inputs; backward() replays that in reverse (reverse-mode differentiation,
/// Linnainmaa 1970). Several passes may be recorded on one tape; one thread at a time.
template <class T>
class Tape {
 public:
  using Values = typename Tensor<T>::Identity;
  using Step = std::function<void(const Tensor<T>& gradient)>;

  /// A parameter whose gradient is wanted. Whatever is computed from it is watched as well.
  void watch(const Tensor<T>& parameter);
  bool watches(const Tensor<T>& values) const { return watches(values.identity()); }
  bool watches(Values values) const { return gradients_.contains(values); }

  /// Remembers how to go back from the gradient of `result`, if any input is watched.
  void record(const Tensor<T>& result, std::initializer_list<Values> inputs, Step step);

  /// Adds to the gradient of watched values; does nothing for others.
  void add(const Tensor<T>& values, const Tensor<T>& gradient) { add(values.identity(), gradient); }
  void add(Values values, const Tensor<T>& gradient);

  /// The gradient of watched values so far, to be added to in place: zeros at first.
  Tensor<T> sum(const Tensor<T>& values);

  /// Replays every step, last first, and forgets it. The gradients of the results must have been added.
  void backward();

  /// Of a parameter, after backward(); empty if nothing reached it.
  Tensor<T> gradient(const Tensor<T>& parameter) const;

 private:
  struct Hash {
    std::size_t operator()(const Values& values) const {
      return std::hash<std::uint64_t>()(values.allocation) ^ std::hash<const T*>()(values.data);
    }
  };
  struct Recorded {
    Values result;
    Step step;
  };

  std::unordered_map<Values, Tensor<T>, Hash> gradients_;  // an empty tensor: watched, nothing added yet
  std::vector<Recorded> steps_;
};

extern template class Tape<float>;
extern template class Tape<double>;

}  // namespace beeld
