#include "core/ops/linear.h"

#include <beeld/error.h>

#include <algorithm>

#include "core/gradient_kernels.h"
#include "core/ops/activation.h"
#include "core/parallel.h"
#include "core/tape.h"

namespace beeld {

namespace {

constexpr std::int64_t rows_a_worker = 16;

template <class T>
void add_to(const T* x, std::int64_t count, T* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] += x[i];
}

void add_to(const float* x, std::int64_t count, float* y) { add_values(x, count, y); }

template <class T>
void multiply_plain(const T* x, std::int64_t rows, const Linear<T>& w, Epilogue epilogue, T* y) {
  const auto in = w.weight.columns(), out = w.weight.rows();
  product<T>({rows, out, in}, {.alpha = 1, .beta = epilogue.add_to_output ? T{1} : T{0}}, {x, in},
             {w.weight.data(), in, Layout::transposed}, {y, out});
  for (std::int64_t i = 0; i < rows; ++i) {
    T* row = y + i * out;
    if (!w.bias.empty()) add_to(w.bias.data(), out, row);
    if (epilogue.activation == Activation::identity) continue;
    for (std::int64_t j = 0; j < out; ++j) row[j] = activate(row[j], epilogue.activation);
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
  // The gradient of an activation needs what it was given: under a tape it is an operation of its own.
  const bool apart = pass.tape && activation != Activation::identity;
  Tensor<T> y({x.rows(), weights.weight.rows()});
  run(x, weights, pass, {.activation = apart ? Activation::identity : activation}, y);
  if (auto* tape = pass.tape) {
    tape->record(y, {x.identity(), weights.weight.identity(), weights.bias.identity()},
                 [=](const Tensor<T>& dy) { linear_gradient(dy, x, weights, *tape); });
  }
  return apart ? activate(y, activation, pass) : y;
}

/// dx = dy W, dW = dy^T x, db = the sum of dy's rows.
template <class T>
void linear_gradient(const Tensor<T>& dy, const Tensor<T>& x, const Linear<T>& weights, Tape<T>& tape) {
  const auto rows = dy.rows(), in = weights.weight.columns(), out = weights.weight.rows();
  if (tape.watches(x)) {
    Tensor<T> dx({rows, in});
    product<T>({rows, in, out}, {}, {dy.data(), out}, {weights.weight.data(), in}, {dx.data(), in});
    tape.add(x, dx);
  }
  if (tape.watches(weights.weight)) {
    auto dw = tape.sum(weights.weight);
    product<T>({out, in, rows}, {.alpha = 1, .beta = 1}, {dy.data(), out, Layout::transposed}, {x.data(), in},
               {dw.data(), in});
  }
  if (!weights.bias.empty() && tape.watches(weights.bias)) {
    auto db = tape.sum(weights.bias);
    for (std::int64_t i = 0; i < rows; ++i) add_to(dy.row(i), out, db.data());
  }
}

template <class T>
Tensor<T> linear_residual(const Tensor<T>& x, const Linear<T>& weights, Tensor<T> residual, Pass<T>& pass) {
  const auto before = residual.identity();
  auto y = residual.unique() ? std::move(residual) : residual.clone();
  run(x, weights, pass, {.add_to_output = true}, y);
  if (auto* tape = pass.tape) {
    tape->record(y, {x.identity(), weights.weight.identity(), weights.bias.identity(), before},
                 [=](const Tensor<T>& dy) {
                   tape->add(before, dy);
                   linear_gradient(dy, x, weights, *tape);
                 });
  }
  return y;
}

template Tensor<float> linear(const Tensor<float>&, const Linear<float>&, Pass<float>&, Activation);
template Tensor<double> linear(const Tensor<double>&, const Linear<double>&, Pass<double>&, Activation);
template Tensor<float> linear_residual(const Tensor<float>&, const Linear<float>&, Tensor<float>,
                                       Pass<float>&);
template Tensor<double> linear_residual(const Tensor<double>&, const Linear<double>&, Tensor<double>,
                                        Pass<double>&);

}  // namespace beeld
