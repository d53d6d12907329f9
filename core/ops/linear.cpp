#include "core/ops/linear.h"

#include <beeld/error.h>

#include <algorithm>
#include <utility>

#include "core/base/parallel.h"
#include "core/kernels/gradient_kernels.h"
#include "core/ops/activation.h"
#include "core/tensor/tape.h"

namespace beeld {

namespace {

constexpr std::int64_t rows_a_worker = 64;

template <class T>
void add_to(const T* x, std::int64_t count, T* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] += x[i];
}

void add_to(const float* x, std::int64_t count, float* y) { add_values(x, count, y); }

/// rows [M,N] = activation(rows + bias), in place, bias [N] or null.
template <class T>
void add_bias_and_activate(T* rows, std::int64_t m, std::int64_t n, const T* bias, Activation activation) {
  for (std::int64_t i = 0; i < m; ++i) {
    T* row = rows + i * n;
    for (std::int64_t j = 0; bias && j < n; ++j) row[j] += bias[j];
    if (activation == Activation::identity) continue;
    for (std::int64_t j = 0; j < n; ++j) row[j] = activate(row[j], activation);
  }
}

template <class T>
void multiply_plain(const T* x, std::int64_t rows, const Linear<T>& w, Epilogue epilogue, T* y) {
  const auto in = w.weight.columns(), out = w.weight.rows();
  product<T>({rows, out, in}, {.alpha = 1, .beta = epilogue.add_to_output ? T{1} : T{0}}, {x, in},
             {w.weight.plain().data(), in, Layout::transposed}, {y, out});
  add_bias_and_activate(y, rows, out, w.bias.data(), epilogue.activation);
}

template <class T>
void check(const Tensor<T>& x, const Linear<T>& w, const Pass<T>& pass) {
  check_recordable(w.weight, pass, "linear");
  if (x.columns() == w.weight.columns()) return;
  throw Error(ErrorCode::invalid_argument, "[linear] weight " + w.weight.shape().string() +
                                               " needs rows of " + std::to_string(w.weight.columns()) +
                                               ", got " + x.shape().string());
}

/// Calls part(begin, end) for shares of [0, count), multiples of `step` apart from the last end.
template <class Part>
void share_out(std::int64_t count, std::int64_t step, std::int64_t most, const Part& part) {
  const auto steps = (count + step - 1) / step, parts = std::clamp<std::int64_t>(steps, 1, most);
  parallel_for(parts, 1, [&](std::int64_t first, std::int64_t last) {
    part(steps * first / parts * step, std::min(steps * last / parts * step, count));
  });
}

void multiply(const Tensor<float>& x, const Linear<float>& w, const Pass<float>& pass, Epilogue epilogue,
              Tensor<float>& y) {
  const auto rows = x.rows(), in = w.weight.columns(), out = w.weight.rows();
  const std::int64_t workers = pass.workers == Workers::one ? 1 : thread_count();
  const auto* packed = w.weight.packed();
  const auto plain = packed ? Linear<float>{} : Linear<float>{w.weight.read(), w.bias};
  const auto some_rows = [&](std::int64_t begin, std::int64_t end) {
    const auto* from = x.data() + begin * in;
    auto* to = y.data() + begin * out;
    if (!packed) return multiply_plain(from, end - begin, plain, epilogue, to);
    packed->multiply({from, end - begin, w.bias.data(), epilogue, to}, {0, out});
  };
  // Few rows are not divided, because every part of them would read all weights.
  if (rows >= rows_a_worker * workers || !packed) return share_out(rows, 1, workers, some_rows);
  share_out(out, PackedMatrix::panel(), workers, [&](std::int64_t begin, std::int64_t end) {
    packed->multiply({x.data(), rows, w.bias.data(), epilogue, y.data()}, {begin, end});
  });
}

void multiply(const Tensor<double>& x, const Linear<double>& w, const Pass<double>&, Epilogue epilogue,
              Tensor<double>& y) {
  multiply_plain(x.data(), x.rows(), w, epilogue, y.data());
}

}  // namespace

void pack(Linear<float>& weights, WeightType type) {
  auto& weight = weights.weight;
  if (weight.packed()) return;
  const auto read = [&](std::int64_t begin, std::int64_t end) { return weight.read(begin, end); };
  // Where memory runs out, the weight stays as it was and may be packed again.
  weight = std::make_shared<const PackedMatrix>(weight.shape(), read, type);
}

template <class T>
Linear<T> slice_outputs(const Linear<T>& weights, std::int64_t begin, std::int64_t end) {
  return {weights.weight.slice(begin, end),
          weights.bias.empty() ? Tensor<T>{} : weights.bias.slice(begin, end)};
}

template <class T>
void linear_backward(const Tensor<T>& dy, const Tensor<T>& x, const Linear<T>& weights, Tape<T>& tape);

template <class T>
Tensor<T> linear(const Tensor<T>& x, const Linear<T>& weights, Pass<T>& pass, Activation activation) {
  // The gradient of an activation needs what it was given: under a tape it is an operation of its own.
  const bool apart = pass.tape && activation != Activation::identity;
  check(x, weights, pass);
  const OpTimer timer(pass.times, Op::product);
  Tensor<T> y({x.rows(), weights.weight.rows()});
  multiply(x, weights, pass, {.activation = apart ? Activation::identity : activation}, y);
  if (auto* tape = pass.tape) {
    tape->record(y, {x.identity(), weights.weight.plain().identity(), weights.bias.identity()},
                 [=](const Tensor<T>& dy) { linear_backward(dy, x, weights, *tape); });
  }
  return apart ? activate(y, activation, pass) : y;
}

/// dx = dy W, dW = dy^T x, db = the sum of dy's rows.
template <class T>
void linear_backward(const Tensor<T>& dy, const Tensor<T>& x, const Linear<T>& weights, Tape<T>& tape) {
  const auto& weight = weights.weight.plain();
  const auto rows = dy.rows(), in = weight.columns(), out = weight.rows();
  if (tape.watches(x)) {
    Tensor<T> dx({rows, in});
    product<T>({rows, in, out}, {}, {dy.data(), out}, {weight.data(), in}, {dx.data(), in});
    tape.add(x, dx);
  }
  if (tape.watches(weight)) {
    auto dw = tape.sum(weight);
    product<T>({out, in, rows}, {.alpha = 1, .beta = 1}, {dy.data(), out, Layout::transposed}, {x.data(), in},
               {dw.data(), in});
  }
  if (!weights.bias.empty() && tape.watches(weights.bias)) {
    auto db = tape.sum(weights.bias);
    for (std::int64_t i = 0; i < rows; ++i) add_to(dy.row(i), out, db.data());
  }
}

template <class T>
void linear_into(const Tensor<T>& x, const Linear<T>& weights, Activation activation, Tensor<T>& y) {
  const Pass<T> alone;
  check(x, weights, alone);
  if (y.shape() != Shape{x.rows(), weights.weight.rows()}) {
    throw Error(ErrorCode::invalid_argument, "[linear] a result of " + std::to_string(x.rows()) +
                                                 " rows of " + std::to_string(weights.weight.rows()) +
                                                 " does not fit " + y.shape().string());
  }
  multiply(x, weights, alone, {.activation = activation}, y);
}

template <class T>
Tensor<T> linear_residual(const Tensor<T>& x, const Linear<T>& weights, Tensor<T> residual, Pass<T>& pass) {
  check(x, weights, pass);
  const OpTimer timer(pass.times, Op::product);
  const auto before = residual.identity();
  auto y = residual.unique() ? std::move(residual) : residual.clone();
  multiply(x, weights, pass, {.add_to_output = true}, y);
  if (auto* tape = pass.tape) {
    tape->record(y, {x.identity(), weights.weight.plain().identity(), weights.bias.identity(), before},
                 [=](const Tensor<T>& dy) {
                   tape->add(before, dy);
                   linear_backward(dy, x, weights, *tape);
                 });
  }
  return y;
}

template Linear<float> slice_outputs(const Linear<float>&, std::int64_t, std::int64_t);
template Linear<double> slice_outputs(const Linear<double>&, std::int64_t, std::int64_t);
template Tensor<float> linear(const Tensor<float>&, const Linear<float>&, Pass<float>&, Activation);
template Tensor<double> linear(const Tensor<double>&, const Linear<double>&, Pass<double>&, Activation);
template void linear_into(const Tensor<float>&, const Linear<float>&, Activation, Tensor<float>&);
template void linear_into(const Tensor<double>&, const Linear<double>&, Activation, Tensor<double>&);
template Tensor<float> linear_residual(const Tensor<float>&, const Linear<float>&, Tensor<float>,
                                       Pass<float>&);
template Tensor<double> linear_residual(const Tensor<double>&, const Linear<double>&, Tensor<double>,
                                        Pass<double>&);

}  // namespace beeld
