#include "core/ops/rows.h"

#include <beeld/error.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <type_traits>
#include <vector>

#include "core/tensor/tape.h"

namespace beeld {

namespace {

void check_ids(std::span<const std::int64_t> ids, std::int64_t rows) {
  const auto outside = std::ranges::find_if(ids, [rows](auto id) { return id < 0 || id >= rows; });
  if (outside == ids.end()) return;
  throw Error(ErrorCode::invalid_argument,
              "[gather] row " + std::to_string(*outside) + " of a table of " + std::to_string(rows));
}

}  // namespace

template <class T>
void gather_backward(const Tensor<T>& dy, const Tensor<T>& table, std::span<const std::int64_t> ids,
                     Tape<T>& tape);

template <class T>
Tensor<T> gather(const Tensor<T>& table, std::span<const std::int64_t> ids, Pass<T>& pass) {
  check_ids(ids, table.rows());
  Tensor<T> y({static_cast<std::int64_t>(ids.size()), table.columns()});
  for (std::size_t i = 0; i < ids.size(); ++i)
    std::copy_n(table.row(ids[i]), table.columns(), y.row(static_cast<std::int64_t>(i)));
  if (auto* tape = pass.tape) {
    tape->record(y, {table.identity()}, [=, kept = std::vector(ids.begin(), ids.end())](const Tensor<T>& dy) {
      gather_backward<T>(dy, table, kept, *tape);
    });
  }
  return y;
}

template <class T>
void gather_backward(const Tensor<T>& dy, const Tensor<T>& table, std::span<const std::int64_t> ids,
                     Tape<T>& tape) {
  auto sum = tape.sum(table);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const T* from = dy.row(static_cast<std::int64_t>(i));
    std::transform(from, from + dy.columns(), sum.row(ids[i]), sum.row(ids[i]), std::plus<T>());
  }
}

template <class T>
Tensor<T> gather(const Weight<T>& table, std::span<const std::int64_t> ids, Pass<T>& pass) {
  check_recordable(table, pass, "gather");
  if constexpr (std::is_same_v<T, float>) {
    if (const auto* stored = table.stored()) {
      check_ids(ids, table.rows());
      Tensor<float> y({static_cast<std::int64_t>(ids.size()), table.columns()});
      for (std::size_t i = 0; i < ids.size(); ++i)
        stored->read_into(ids[i], ids[i] + 1, y.row(static_cast<std::int64_t>(i)));
      return y;
    }
  }
  return gather(table.plain(), ids, pass);
}

template <class T>
void gained_backward(const Tensor<T>& dy, const Tensor<T>& y, const Tensor<T>& gain, Tape<T>& tape);

template <class T>
Tensor<T> add(Tensor<T> x, const Tensor<T>& y, const Tensor<T>& gain, Pass<T>& pass) {
  if (x.shape() != y.shape()) {
    throw Error(ErrorCode::invalid_argument, "[add] " + x.shape().string() + " and " + y.shape().string());
  }
  const auto before = x.identity();
  auto sum = x.unique() ? std::move(x) : x.clone();
  const auto width = sum.columns();
  for (std::int64_t i = 0; i < sum.rows(); ++i) {
    for (std::int64_t j = 0; j < width; ++j) {
      sum.row(i)[j] += gain.empty() ? y.row(i)[j] : gain.data()[j] * y.row(i)[j];
    }
  }
  if (auto* tape = pass.tape; tape && gain.empty()) {
    tape->record(sum, {before, y.identity()}, [=, other = y.identity()](const Tensor<T>& dy) {
      tape->add(before, dy);
      tape->add(other, dy);
    });
  } else if (tape) {
    tape->record(sum, {before, y.identity(), gain.identity()}, [=](const Tensor<T>& dy) {
      tape->add(before, dy);
      gained_backward(dy, y, gain, *tape);
    });
  }
  return sum;
}

/// What flows through gain * y.
template <class T>
void gained_backward(const Tensor<T>& dy, const Tensor<T>& y, const Tensor<T>& gain, Tape<T>& tape) {
  Tensor<T> through(dy.shape());
  auto sum = Tensor<T>::zeros(gain.shape());
  for (std::int64_t i = 0; i < dy.rows(); ++i) {
    for (std::int64_t j = 0; j < dy.columns(); ++j) {
      through.row(i)[j] = dy.row(i)[j] * gain.data()[j];
      sum.data()[j] += dy.row(i)[j] * y.row(i)[j];
    }
  }
  tape.add(y, through);
  tape.add(gain, sum);
}

namespace {

/// The rows of sequence b that become one.
struct Averaged {
  std::int64_t first, last;
  std::int64_t count() const { return std::max<std::int64_t>(last - first, 1); }
};

Averaged averaged(const Sequences& sequences, std::int64_t b, std::int64_t skip) {
  return {sequences[b].begin + skip, sequences[b].end()};
}

}  // namespace

template <class T>
void mean_rows_backward(const Tensor<T>& dy, Tensor<T> dx, const Sequences& sequences, std::int64_t skip);

template <class T>
Tensor<T> mean_rows(const Tensor<T>& x, const Sequences& sequences, std::int64_t skip, Pass<T>& pass) {
  auto mean = Tensor<T>::zeros({sequences.count(), x.columns()});
  for (std::int64_t b = 0; b < sequences.count(); ++b) {
    const auto rows = averaged(sequences, b, skip);
    for (std::int64_t i = rows.first; i < rows.last; ++i) {
      for (std::int64_t j = 0; j < x.columns(); ++j) mean.row(b)[j] += x.row(i)[j];
    }
    for (std::int64_t j = 0; j < x.columns(); ++j) mean.row(b)[j] /= static_cast<T>(rows.count());
  }
  if (auto* tape = pass.tape) {
    tape->record(mean, {x.identity()},
                 [=](const Tensor<T>& dy) { mean_rows_backward(dy, tape->sum(x), sequences, skip); });
  }
  return mean;
}

template <class T>
void mean_rows_backward(const Tensor<T>& dy, Tensor<T> dx, const Sequences& sequences, std::int64_t skip) {
  for (std::int64_t b = 0; b < sequences.count(); ++b) {
    const auto rows = averaged(sequences, b, skip);
    for (std::int64_t i = rows.first; i < rows.last; ++i) {
      for (std::int64_t j = 0; j < dy.columns(); ++j)
        dx.row(i)[j] += dy.row(b)[j] / static_cast<T>(rows.count());
    }
  }
}

template <class T>
struct Scaling {
  Tensor<T> x, factors;
  Sequences sequences;
};

template <class T>
void scale_backward(const Tensor<T>& dy, const Scaling<T>& scaling, Tape<T>& tape);

template <class T>
Tensor<T> scale(const Tensor<T>& x, const Tensor<T>& factors, const Sequences& sequences, Pass<T>& pass) {
  Tensor<T> y(x.shape());
  for (std::int64_t b = 0; b < sequences.count(); ++b) {
    for (auto i = sequences[b].begin; i < sequences[b].end(); ++i)
      std::transform(x.row(i), x.row(i) + x.columns(), factors.row(b), y.row(i), std::multiplies<T>());
  }
  if (auto* tape = pass.tape) {
    tape->record(y, {x.identity(), factors.identity()},
                 [tape, scaling = Scaling<T>{x, factors, sequences}](const Tensor<T>& dy) {
                   scale_backward(dy, scaling, *tape);
                 });
  }
  return y;
}

template <class T>
void scale_backward(const Tensor<T>& dy, const Scaling<T>& scaling, Tape<T>& tape) {
  const auto& [x, factors, sequences] = scaling;
  Tensor<T> dx(x.shape());
  auto d_factors = Tensor<T>::zeros(factors.shape());
  for (std::int64_t b = 0; b < sequences.count(); ++b) {
    for (auto i = sequences[b].begin; i < sequences[b].end(); ++i) {
      for (std::int64_t j = 0; j < x.columns(); ++j) {
        dx.row(i)[j] = dy.row(i)[j] * factors.row(b)[j];
        d_factors.row(b)[j] += dy.row(i)[j] * x.row(i)[j];
      }
    }
  }
  tape.add(x, dx);
  tape.add(factors, d_factors);
}

template <class T>
Tensor<T> prepend(const Tensor<T>& first, const Tensor<T>& x, const Sequences& sequences, Pass<T>& pass) {
  const auto width = x.columns();
  Tensor<T> y({first.rows() + x.rows(), width});
  for (std::int64_t b = 0; b < sequences.count(); ++b) {
    T* to = std::copy_n(first.row(b), width, y.row(sequences[b].begin + b));
    std::copy_n(x.row(sequences[b].begin), sequences[b].length * width, to);
  }
  if (auto* tape = pass.tape) {
    tape->record(y, {first.identity(), x.identity()}, [=](const Tensor<T>& dy) {
      Tensor<T> d_first(first.shape()), dx(x.shape());
      for (std::int64_t b = 0; b < sequences.count(); ++b) {
        const T* from = dy.row(sequences[b].begin + b);
        std::copy_n(from, width, d_first.row(b));
        std::copy_n(from + width, sequences[b].length * width, dx.row(sequences[b].begin));
      }
      tape->add(first, d_first);
      tape->add(x, dx);
    });
  }
  return y;
}

template <class T>
void max_rows_backward(const Tensor<T>& dy, Tensor<T> dx, std::span<const std::int64_t> winners);

template <class T>
Tensor<T> max_rows(const Tensor<T>& x, const Sequences& sequences, std::int64_t skip, Pass<T>& pass) {
  const auto width = x.columns();
  auto largest = Tensor<T>::zeros({sequences.count(), width});
  std::vector<std::int64_t> winners(static_cast<std::size_t>(largest.size()), -1);  // [B,C] rows
  for (std::int64_t b = 0; b < sequences.count(); ++b) {
    const auto rows = averaged(sequences, b, skip);
    for (std::int64_t i = rows.first; i < rows.last; ++i) {
      for (std::int64_t j = 0; j < width; ++j) {
        auto& winner = winners[static_cast<std::size_t>(b * width + j)];
        if (winner >= 0 && !(x.row(i)[j] > largest.row(b)[j])) continue;
        largest.row(b)[j] = x.row(i)[j];
        winner = i;
      }
    }
  }
  if (auto* tape = pass.tape) {
    tape->record(largest, {x.identity()},
                 [=](const Tensor<T>& dy) { max_rows_backward<T>(dy, tape->sum(x), winners); });
  }
  return largest;
}

template <class T>
void max_rows_backward(const Tensor<T>& dy, Tensor<T> dx, std::span<const std::int64_t> winners) {
  for (std::int64_t b = 0; b < dy.rows(); ++b) {
    for (std::int64_t j = 0; j < dy.columns(); ++j) {
      const auto winner = winners[static_cast<std::size_t>(b * dy.columns() + j)];
      if (winner >= 0) dx.row(winner)[j] += dy.row(b)[j];
    }
  }
}

namespace {

/// 1 / length, or 0 for a row of zeros.
template <class T>
T inverse_length(const T* row, std::int64_t width) {
  const T length = std::sqrt(std::inner_product(row, row + width, row, T{0}));
  return length > 0 ? 1 / length : T{0};
}

}  // namespace

template <class T>
void l2_normalize_backward(const Tensor<T>& dy, const Tensor<T>& x, Tape<T>& tape);

template <class T>
Tensor<T> l2_normalize(const Tensor<T>& x, Pass<T>& pass) {
  const auto width = x.columns();
  Tensor<T> y(x.shape());
  for (std::int64_t i = 0; i < x.rows(); ++i) {
    const T scale = inverse_length(x.row(i), width);
    std::transform(x.row(i), x.row(i) + width, y.row(i), [scale](T value) { return value * scale; });
  }
  if (auto* tape = pass.tape) {
    tape->record(y, {x.identity()}, [=](const Tensor<T>& dy) { l2_normalize_backward(dy, x, *tape); });
  }
  return y;
}

/// With y = x / |x|: dx = (dy - y (y . dy)) / |x|.
template <class T>
void l2_normalize_backward(const Tensor<T>& dy, const Tensor<T>& x, Tape<T>& tape) {
  const auto width = x.columns();
  Tensor<T> dx(x.shape());
  for (std::int64_t i = 0; i < x.rows(); ++i) {
    const T scale = inverse_length(x.row(i), width);
    const T along = std::inner_product(x.row(i), x.row(i) + width, dy.row(i), T{0}) * scale * scale;
    for (std::int64_t j = 0; j < width; ++j) dx.row(i)[j] = scale * (dy.row(i)[j] - along * x.row(i)[j]);
  }
  tape.add(x, dx);
}

template <class T>
Tensor<T> concat(const Tensor<T>& left, const Tensor<T>& right, Pass<T>& pass) {
  const auto a = left.columns(), b = right.columns();
  Tensor<T> both({left.rows(), a + b});
  for (std::int64_t i = 0; i < left.rows(); ++i) {
    std::copy_n(right.row(i), b, std::copy_n(left.row(i), a, both.row(i)));
  }
  if (auto* tape = pass.tape) {
    const auto first = left.identity(), second = right.identity();
    tape->record(both, {first, second}, [=](const Tensor<T>& dy) {
      Tensor<T> d_left({dy.rows(), a}), d_right({dy.rows(), b});
      for (std::int64_t i = 0; i < dy.rows(); ++i) {
        std::copy_n(dy.row(i), a, d_left.row(i));
        std::copy_n(dy.row(i) + a, b, d_right.row(i));
      }
      tape->add(first, d_left);
      tape->add(second, d_right);
    });
  }
  return both;
}

template Tensor<float> gather(const Tensor<float>&, std::span<const std::int64_t>, Pass<float>&);
template Tensor<double> gather(const Tensor<double>&, std::span<const std::int64_t>, Pass<double>&);
template Tensor<float> gather(const Weight<float>&, std::span<const std::int64_t>, Pass<float>&);
template Tensor<double> gather(const Weight<double>&, std::span<const std::int64_t>, Pass<double>&);
template Tensor<float> add(Tensor<float>, const Tensor<float>&, const Tensor<float>&, Pass<float>&);
template Tensor<double> add(Tensor<double>, const Tensor<double>&, const Tensor<double>&, Pass<double>&);
template Tensor<float> l2_normalize(const Tensor<float>&, Pass<float>&);
template Tensor<double> l2_normalize(const Tensor<double>&, Pass<double>&);
template Tensor<float> concat(const Tensor<float>&, const Tensor<float>&, Pass<float>&);
template Tensor<double> concat(const Tensor<double>&, const Tensor<double>&, Pass<double>&);
template Tensor<float> max_rows(const Tensor<float>&, const Sequences&, std::int64_t, Pass<float>&);
template Tensor<double> max_rows(const Tensor<double>&, const Sequences&, std::int64_t, Pass<double>&);
template Tensor<float> mean_rows(const Tensor<float>&, const Sequences&, std::int64_t, Pass<float>&);
template Tensor<double> mean_rows(const Tensor<double>&, const Sequences&, std::int64_t, Pass<double>&);
template Tensor<float> scale(const Tensor<float>&, const Tensor<float>&, const Sequences&, Pass<float>&);
template Tensor<double> scale(const Tensor<double>&, const Tensor<double>&, const Sequences&, Pass<double>&);
template Tensor<float> prepend(const Tensor<float>&, const Tensor<float>&, const Sequences&, Pass<float>&);
template Tensor<double> prepend(const Tensor<double>&, const Tensor<double>&, const Sequences&,
                                Pass<double>&);

}  // namespace beeld
