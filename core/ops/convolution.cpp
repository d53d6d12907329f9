#include "core/ops/convolution.h"

#include <beeld/error.h>

#include <algorithm>
#include <string>
#include <type_traits>

#include "core/base/parallel.h"
#include "core/kernels/depthwise.h"
#include "core/kernels/gradient_kernels.h"
#include "core/ops/activation.h"
#include "core/tensor/tape.h"

namespace beeld {

namespace {

// What is unfolded at a time stays in the second-level cache, and has enough rows for an efficient product.
constexpr std::int64_t values_a_part = 96 * 1024, rows_a_part = 128;

/// A window's steps over a map. Output row i is step i % places() of map i / places().
struct Steps {
  KernelWindow window;
  std::int64_t height, width;          // of the map
  std::int64_t out_height, out_width;  // steps

  std::int64_t places() const { return out_height * out_width; }
};

template <class T>
Steps steps_of(const FeatureMaps<T>& x, const KernelWindow& window) {
  const Steps steps{window, x.height, x.width, window.steps(x.height), window.steps(x.width)};
  if (steps.places() == 0 || x.places() == 0 || x.rows.rows() % x.places() != 0) {
    throw Error(ErrorCode::invalid_argument, "[convolution] a window of " + std::to_string(window.edge) +
                                                 " on maps of " + std::to_string(x.width) + "x" +
                                                 std::to_string(x.height) + " in rows " +
                                                 x.rows.shape().string());
  }
  return steps;
}

/// Taps [tap, tap + count) of a window, and the input row under the first of them: the others follow.
struct Run {
  std::int64_t tap, row, count;
};

/// Calls visit(run) for what of the window lies on the map at one output row.
template <class Visit>
void for_each_run(const Steps& steps, std::int64_t output, const Visit& visit) {
  const auto& [edge, stride, padding] = steps.window;
  const auto map = output / steps.places(), place = output % steps.places();
  const auto top = place / steps.out_width * stride - padding;
  const auto left = place % steps.out_width * stride - padding;
  const auto first = std::max<std::int64_t>(0, -left), end = std::min(edge, steps.width - left);
  if (first >= end) return;
  for (auto line = std::max<std::int64_t>(0, -top); line < std::min(edge, steps.height - top); ++line) {
    const auto row = (map * steps.height + top + line) * steps.width + left + first;
    visit(Run{line * edge + first, row, end - first});
  }
}

/// Output rows [begin,end) of unfold(): y [end-begin, edge*edge*C]
template <class T>
void unfold_rows(const FeatureMaps<T>& x, const Steps& steps, std::int64_t begin, Tensor<T>& y) {
  const auto channels = x.rows.columns();
  std::fill_n(y.data(), y.size(), T{0});
  for (std::int64_t i = 0; i < y.rows(); ++i) {
    for_each_run(steps, begin + i, [&](const Run& run) {
      std::copy_n(x.rows.row(run.row), run.count * channels, y.row(i) + run.tap * channels);
    });
  }
}

template <class T>
void check(const FeatureMaps<T>& x, const Convolution<T>& w, const Pass<T>& pass) {
  const auto& weight = w.kernel.weight;
  check_recordable(weight, pass, "convolution");
  const auto channels = x.rows.columns();
  if (w.groups < 1 || channels % w.groups != 0 || weight.rows() % w.groups != 0 ||
      weight.columns() != w.window.taps() * (channels / w.groups)) {
    throw Error(ErrorCode::invalid_argument, "[convolution] weight " + weight.shape().string() +
                                                 " of a window of " + std::to_string(w.window.edge) + " in " +
                                                 std::to_string(w.groups) + " groups, got maps of " +
                                                 std::to_string(channels) + " channels");
  }
}

/// Calls part(begin, end) for shares of [0, count), by all threads or in this one.
template <class T, class Part>
void share_out(std::int64_t count, const Pass<T>& pass, const Part& part) {
  if (pass.workers == Workers::one) return part(0, count);
  const std::int64_t workers = thread_count();
  parallel_for(count, (count + workers - 1) / workers, part);
}

/// One group: each part of the rows is unfolded and multiplied.
template <class T>
Tensor<T> multiply_unfolded(const FeatureMaps<T>& x, const Convolution<T>& w, const Pass<T>& pass,
                            Activation activation) {
  const auto steps = steps_of(x, w.window);
  const auto depth = w.kernel.weight.columns();
  const auto most = std::max(rows_a_part, values_a_part / depth);
  Tensor<T> y({x.count() * steps.places(), w.kernel.weight.rows()});
  share_out(y.rows(), pass, [&](std::int64_t begin, std::int64_t end) {
    const Tensor<T> all({std::min(most, end - begin), depth});
    for (auto i = begin; i < end; i += most) {
      auto part = y.slice(i, std::min(i + most, end)), unfolded = all.slice(0, part.rows());
      unfold_rows(x, steps, i, unfolded);
      linear_into(unfolded, w.kernel, activation, part);
    }
  });
  return y;
}

/// Each channel `times` times: [N,C] -> [N, times*C]
Tensor<float> repeated(const Tensor<float>& x, std::int64_t times) {
  if (times == 1) return x;
  Tensor<float> y({x.rows(), times * x.columns()});
  auto* to = y.data();
  for (std::int64_t i = 0; i < x.size(); ++i) to = std::fill_n(to, times, x.data()[i]);
  return y;
}

/// [O, taps] -> [taps, O]
Tensor<float> taps_of(const Tensor<float>& kernel) {
  Tensor<float> taps({kernel.columns(), kernel.rows()});
  for (std::int64_t o = 0; o < kernel.rows(); ++o) {
    for (std::int64_t tap = 0; tap < kernel.columns(); ++tap) taps.row(tap)[o] = kernel.row(o)[tap];
  }
  return taps;
}

/// As many groups as channels.
Tensor<float> depthwise(const FeatureMaps<float>& x, const Convolution<float>& w, const Pass<float>& pass,
                        Activation activation) {
  const auto steps = steps_of(x, w.window);
  const auto channels = w.kernel.weight.rows();
  const auto wide = repeated(x.rows, channels / w.groups);
  const auto taps = w.taps.empty() || pass.tape ? taps_of(w.kernel.weight.read()) : w.taps;
  Tensor<float> y({x.count() * steps.places(), channels});
  share_out(x.count() * steps.out_height, pass, [&](std::int64_t begin, std::int64_t end) {
    for (auto line = begin; line < end; ++line) {
      const auto map = line / steps.out_height;
      auto* to = y.row(line * steps.out_width);
      depthwise_row({.x = wide.row(map * x.places()),
                     .height = x.height,
                     .width = x.width,
                     .channels = channels,
                     .taps = taps.data(),
                     .bias = w.kernel.bias.data(),
                     .edge = w.window.edge,
                     .stride = w.window.stride,
                     .padding = w.window.padding,
                     .steps = steps.out_width},
                    line % steps.out_height, to);
      if (activation != Activation::identity) activate_values(to, steps.out_width * channels, activation, to);
    }
  });
  return y;
}

/// Several groups: the sums themselves, or the kernel where each group is one channel.
template <class T>
Tensor<T> sum_in_groups(const FeatureMaps<T>& x, const Convolution<T>& w, const Pass<T>& pass,
                        Activation activation) {
  if constexpr (std::is_same_v<T, float>) {
    if (w.groups == x.rows.columns()) return depthwise(x, w, pass, activation);
  }
  Pass<T> alone;
  const auto y = convolve_plain(x, w).rows;
  return activation == Activation::identity ? y : activate(y, activation, alone);
}

}  // namespace

template <class T>
void convolve_backward(const Tensor<T>& dy, const FeatureMaps<T>& x, const Convolution<T>& weights,
                       Tape<T>& tape);

template <class T>
FeatureMaps<T> convolve(const FeatureMaps<T>& x, const Convolution<T>& weights, Pass<T>& pass,
                        Activation activation) {
  check(x, weights, pass);
  const auto steps = steps_of(x, weights.window);
  const auto maps = [&](Tensor<T> rows) {
    return FeatureMaps<T>{std::move(rows), steps.out_height, steps.out_width};
  };
  if (weights.groups == 1) {
    const auto& [edge, stride, padding] = weights.window;
    if (edge == 1 && stride == 1 && padding == 0)
      return maps(linear(x.rows, weights.kernel, pass, activation));
    if (pass.tape) return maps(linear(unfold(x, weights.window, pass), weights.kernel, pass, activation));
    const OpTimer timer(pass.times, Op::product);
    return maps(multiply_unfolded(x, weights, pass, activation));
  }
  // As in linear(): the gradient of an activation needs what it was given.
  const bool apart = pass.tape && activation != Activation::identity;
  const OpTimer timer(pass.times, Op::product);
  const auto y = sum_in_groups(x, weights, pass, apart ? Activation::identity : activation);
  if (auto* tape = pass.tape) {
    const auto& kernel = weights.kernel;
    tape->record(y, {x.rows.identity(), kernel.weight.plain().identity(), kernel.bias.identity()},
                 [=](const Tensor<T>& dy) { convolve_backward(dy, x, weights, *tape); });
  }
  return maps(apart ? activate(y, activation, pass) : y);
}

/// dx = the sum of dy * kernel where the window lay on it, dkernel = that of dy * x, dbias = that of dy.
template <class T>
void convolve_backward(const Tensor<T>& dy, const FeatureMaps<T>& x, const Convolution<T>& weights,
                       Tape<T>& tape) {
  const auto steps = steps_of(x, weights.window);
  const auto& weight = weights.kernel.weight.plain();
  const auto outputs = weight.rows(), channels = x.rows.columns() / weights.groups;
  auto dx = Tensor<T>::zeros(x.rows.shape()), dw = Tensor<T>::zeros(weight.shape());
  for (std::int64_t i = 0; i < dy.rows(); ++i) {
    for_each_run(steps, i, [&](const Run& run) {
      for (std::int64_t o = 0; o < outputs; ++o) {
        const auto first = o / (outputs / weights.groups) * channels;
        for (std::int64_t tap = 0; tap < run.count; ++tap) {
          const auto k = (run.tap + tap) * channels;
          for (std::int64_t c = 0; c < channels; ++c) {
            dx.row(run.row + tap)[first + c] += dy.row(i)[o] * weight.row(o)[k + c];
            dw.row(o)[k + c] += dy.row(i)[o] * x.rows.row(run.row + tap)[first + c];
          }
        }
      }
    });
  }
  tape.add(x.rows, dx);
  tape.add(weight, dw);
  if (weights.kernel.bias.empty()) return;
  auto db = Tensor<T>::zeros({outputs});
  for (std::int64_t i = 0; i < dy.rows(); ++i)
    std::transform(dy.row(i), dy.row(i) + outputs, db.data(), db.data(), std::plus<T>());
  tape.add(weights.kernel.bias, db);
}

template <class T>
FeatureMaps<T> convolve_plain(const FeatureMaps<T>& x, const Convolution<T>& weights) {
  const auto steps = steps_of(x, weights.window);
  const auto kernel = weights.kernel.weight.read();
  const auto outputs = kernel.rows(), channels = x.rows.columns() / weights.groups;
  FeatureMaps<T> y{Tensor<T>({x.count() * steps.places(), outputs}), steps.out_height, steps.out_width};
  for (std::int64_t i = 0; i < y.rows.rows(); ++i) {
    for (std::int64_t o = 0; o < outputs; ++o) {
      const auto first = o / (outputs / weights.groups) * channels;
      T sum = weights.kernel.bias.empty() ? T{0} : weights.kernel.bias.data()[o];
      for_each_run(steps, i, [&](const Run& run) {
        for (std::int64_t tap = 0; tap < run.count; ++tap) {
          const T* from = x.rows.row(run.row + tap) + first;
          const T* factors = kernel.row(o) + (run.tap + tap) * channels;
          for (std::int64_t c = 0; c < channels; ++c) sum += factors[c] * from[c];
        }
      });
      y.rows.row(i)[o] = sum;
    }
  }
  return y;
}

template <class T>
void unfold_backward(const Tensor<T>& dy, const Steps& steps, Tensor<T> dx);

template <class T>
Tensor<T> unfold(const FeatureMaps<T>& x, const KernelWindow& window, Pass<T>& pass) {
  const auto steps = steps_of(x, window);
  Tensor<T> y({x.count() * steps.places(), window.taps() * x.rows.columns()});
  unfold_rows(x, steps, 0, y);
  if (auto* tape = pass.tape) {
    tape->record(y, {x.rows.identity()}, [tape, steps, rows = x.rows](const Tensor<T>& dy) {
      unfold_backward(dy, steps, tape->sum(rows));
    });
  }
  return y;
}

/// What was read at several steps gets the sum of their gradients.
template <class T>
void unfold_backward(const Tensor<T>& dy, const Steps& steps, Tensor<T> dx) {
  const auto channels = dx.columns();
  for (std::int64_t i = 0; i < dy.rows(); ++i) {
    for_each_run(steps, i, [&](const Run& run) {
      const T* from = dy.row(i) + run.tap * channels;
      T* to = dx.row(run.row);
      std::transform(from, from + run.count * channels, to, to, std::plus<T>());
    });
  }
}

template <class T>
void average_pool_backward(const Tensor<T>& dy, const Steps& steps, Tensor<T> dx);

template <class T>
FeatureMaps<T> average_pool(const FeatureMaps<T>& x, std::int64_t edge, Pass<T>& pass) {
  const auto steps = steps_of(x, {.edge = edge, .stride = edge});
  const auto channels = x.rows.columns();
  auto y = Tensor<T>::zeros({x.count() * steps.places(), channels});
  const T share = T{1} / static_cast<T>(steps.window.taps());
  for (std::int64_t i = 0; i < y.rows(); ++i) {
    T* to = y.row(i);
    for_each_run(steps, i, [&](const Run& run) {
      for (std::int64_t tap = 0; tap < run.count; ++tap)
        std::transform(to, to + channels, x.rows.row(run.row + tap), to, std::plus<T>());
    });
    std::transform(to, to + channels, to, [share](T sum) { return sum * share; });
  }
  if (auto* tape = pass.tape) {
    tape->record(y, {x.rows.identity()}, [tape, steps, rows = x.rows](const Tensor<T>& dy) {
      average_pool_backward(dy, steps, tape->sum(rows));
    });
  }
  return {std::move(y), steps.out_height, steps.out_width};
}

template <class T>
void average_pool_backward(const Tensor<T>& dy, const Steps& steps, Tensor<T> dx) {
  const T share = T{1} / static_cast<T>(steps.window.taps());
  for (std::int64_t i = 0; i < dy.rows(); ++i) {
    for_each_run(steps, i, [&](const Run& run) {
      for (std::int64_t tap = 0; tap < run.count; ++tap) {
        T* to = dx.row(run.row + tap);
        std::transform(dy.row(i), dy.row(i) + dy.columns(), to, to,
                       [share](T gradient, T sum) { return sum + share * gradient; });
      }
    });
  }
}

void pack(Convolution<float>& weights, WeightType type) {
  if (weights.groups == 1) return pack(weights.kernel, type);
  const auto depthwise_columns = weights.window.taps();
  if (weights.kernel.weight.columns() == depthwise_columns)
    weights.taps = taps_of(weights.kernel.weight.read());
}

template FeatureMaps<float> convolve(const FeatureMaps<float>&, const Convolution<float>&, Pass<float>&,
                                     Activation);
template FeatureMaps<double> convolve(const FeatureMaps<double>&, const Convolution<double>&, Pass<double>&,
                                      Activation);
template FeatureMaps<float> convolve_plain(const FeatureMaps<float>&, const Convolution<float>&);
template FeatureMaps<double> convolve_plain(const FeatureMaps<double>&, const Convolution<double>&);
template Tensor<float> unfold(const FeatureMaps<float>&, const KernelWindow&, Pass<float>&);
template Tensor<double> unfold(const FeatureMaps<double>&, const KernelWindow&, Pass<double>&);
template FeatureMaps<float> average_pool(const FeatureMaps<float>&, std::int64_t, Pass<float>&);
template FeatureMaps<double> average_pool(const FeatureMaps<double>&, std::int64_t, Pass<double>&);

}  // namespace beeld
