#include "core/ops/activation.h"

#include <span>

#include "core/kernels/gradient_kernels.h"
#include "core/tensor/tape.h"

namespace beeld {

namespace {

template <class T>
void values(const T* x, std::int64_t count, Activation activation, T* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = activate(x[i], activation);
}

void values(const float* x, std::int64_t count, Activation activation, float* y) {
  activate_values(x, count, activation, y);
}

template <class T>
void values_backward(std::span<const T> x, const T* dy, Activation activation, T* dx) {
  for (std::size_t i = 0; i < x.size(); ++i) dx[i] = dy[i] * activation_slope(x[i], activation);
}

void values_backward(std::span<const float> x, const float* dy, Activation activation, float* dx) {
  activate_values_backward(x, dy, activation, dx);
}

}  // namespace

template <class T>
void activate_backward(const Tensor<T>& dy, const Tensor<T>& x, Activation activation, Tape<T>& tape);

template <class T>
Tensor<T> activate(const Tensor<T>& x, Activation activation, Pass<T>& pass) {
  Tensor<T> y(x.shape());
  values(x.data(), x.size(), activation, y.data());
  if (auto* tape = pass.tape) {
    tape->record(y, {x.identity()},
                 [=](const Tensor<T>& dy) { activate_backward(dy, x, activation, *tape); });
  }
  return y;
}

template <class T>
void activate_backward(const Tensor<T>& dy, const Tensor<T>& x, Activation activation, Tape<T>& tape) {
  Tensor<T> dx(x.shape());
  values_backward(std::span(x.data(), static_cast<std::size_t>(x.size())), dy.data(), activation, dx.data());
  tape.add(x, dx);
}

template <class T>
struct Gate {
  Tensor<T> gates, up;
  Activation activation;
};

template <class T>
void gate_backward(const Tensor<T>& dy, const Gate<T>& gate, Tape<T>& tape);

template <class T>
Tensor<T> gate(const Tensor<T>& gates, const Tensor<T>& up, Activation activation, Pass<T>& pass) {
  Tensor<T> y(up.shape());
  for (std::int64_t i = 0; i < up.size(); ++i)
    y.data()[i] = activate(gates.data()[i], activation) * up.data()[i];
  if (auto* tape = pass.tape) {
    tape->record(
        y, {gates.identity(), up.identity()},
        [=, gate = Gate<T>{gates, up, activation}](const Tensor<T>& dy) { gate_backward(dy, gate, *tape); });
  }
  return y;
}

template <class T>
void gate_backward(const Tensor<T>& dy, const Gate<T>& gate, Tape<T>& tape) {
  const auto& [gates, up, activation] = gate;
  Tensor<T> d_gates(gates.shape()), d_up(up.shape());
  for (std::int64_t i = 0; i < up.size(); ++i) {
    const T x = gates.data()[i];
    d_gates.data()[i] = dy.data()[i] * up.data()[i] * activation_slope(x, activation);
    d_up.data()[i] = dy.data()[i] * activate(x, activation);
  }
  tape.add(gates, d_gates);
  tape.add(up, d_up);
}

template Tensor<float> activate(const Tensor<float>&, Activation, Pass<float>&);
template Tensor<double> activate(const Tensor<double>&, Activation, Pass<double>&);
template Tensor<float> gate(const Tensor<float>&, const Tensor<float>&, Activation, Pass<float>&);
template Tensor<double> gate(const Tensor<double>&, const Tensor<double>&, Activation, Pass<double>&);

}  // namespace beeld
