#include "core/ops/linear.h"

#include <beeld/error.h>

#include <algorithm>

#include "core/ops/activation.h"
#include "core/parallel.h"

namespace beeld {

namespace {

constexpr std::int64_t rows_a_worker = 16;

template <class T>
void multiply_plain(const T* x, std::int64_t rows, const Linear<T>& w, Epilogue epilogue, T* y) {
  const auto in = w.weight.columns(), out = w.weight.rows();
  Tensor<T> result({rows, out});
  product<T>({rows, out, in}, T{1}, {x, in}, {w.weight.data(), in}, Layout::transposed, result.data(), out);
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < out; ++j) {
      const T sum = result.row(i)[j] + (w.bias.empty() ? T{0} : w.bias.data()[j]);
      T& value = y[i * out + j];
      value = activate(sum, epilogue.activation) + (epilogue.add_to_output ? value : T{0});
    }
  }
}

void multiply(const float* x, std::int64_t rows, const Linear<float>& w, Epilogue epilogue, float* y) {
  if (!w.packed) return multiply_plain(x, rows, w, epilogue, y);
  w.packed->multiply(x, rows, w.bias.empty() ? nullptr : w.bias.data(), epilogue, y);
}

void multiply(const double* x, std::int64_t rows, const Linear<double>& w, Epilogue epilogue, double* y) {
  multiply_plain(x, rows, w, epilogue, y);
}

template <class T>
void run(const Tensor<T>& x, const Linear<T>& w, const Pass<T>& pass, Epilogue epilogue, Tensor<T>& y) {
  const auto in = w.weight.columns(), out = w.weight.rows();
  if (x.columns() != in) {
    throw Error(ErrorCode::invalid_argument, "[linear] weight " + w.weight.shape().string() +
                                                 " needs rows of " + std::to_string(in) + ", got " +
                                                 x.shape().string());
  }
  const auto rows = x.rows();
  const auto most = std::max<std::int64_t>(rows / rows_a_worker, 1);
  const auto parts = pass.workers == Workers::one ? 1 : std::min<std::int64_t>(thread_count(), most);
  parallel_for(parts, 1, [&](std::int64_t first, std::int64_t last) {
    const auto begin = rows * first / parts, end = rows * last / parts;
    multiply(x.data() + begin * in, end - begin, w, epilogue, y.data() + begin * out);
  });
}

}  // namespace

void pack(Linear<float>& weights) {
  weights.packed = pack(weights.weight.data(), weights.weight.rows(), weights.weight.columns());
  if (weights.packed) weights.weight = Tensor<float>::view(weights.weight.shape(), nullptr, nullptr);
}

template <class T>
Tensor<T> linear(const Tensor<T>& x, const Linear<T>& weights, Pass<T>& pass, Activation activation) {
  Tensor<T> y({x.rows(), weights.weight.rows()});
  run(x, weights, pass, {.activation = activation}, y);
  return y;
}

template <class T>
Tensor<T> linear_residual(const Tensor<T>& x, const Linear<T>& weights, Tensor<T> residual, Pass<T>& pass) {
  auto y = residual.unique() ? std::move(residual) : residual.clone();
  run(x, weights, pass, {.add_to_output = true}, y);
  return y;
}

template Tensor<float> linear(const Tensor<float>&, const Linear<float>&, Pass<float>&, Activation);
template Tensor<double> linear(const Tensor<double>&, const Linear<double>&, Pass<double>&, Activation);
template Tensor<float> linear_residual(const Tensor<float>&, const Linear<float>&, Tensor<float>,
                                       Pass<float>&);
template Tensor<double> linear_residual(const Tensor<double>&, const Linear<double>&, Tensor<double>,
                                        Pass<double>&);

}  // namespace beeld
