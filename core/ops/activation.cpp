#include "core/ops/activation.h"

namespace beeld {

template <class T>
Tensor<T> gate(const Tensor<T>& gates, const Tensor<T>& up, Activation activation, Pass<T>&) {
  Tensor<T> y(up.shape());
  for (std::int64_t i = 0; i < up.size(); ++i)
    y.data()[i] = activate(gates.data()[i], activation) * up.data()[i];
  return y;
}

template Tensor<float> gate(const Tensor<float>&, const Tensor<float>&, Activation, Pass<float>&);
template Tensor<double> gate(const Tensor<double>&, const Tensor<double>&, Activation, Pass<double>&);

}  // namespace beeld
