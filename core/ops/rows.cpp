#include "core/ops/rows.h"

#include <beeld/error.h>

#include <algorithm>

namespace beeld {

template <class T>
Tensor<T> gather(const Tensor<T>& table, std::span<const std::int64_t> ids, Pass<T>&) {
  Tensor<T> y({static_cast<std::int64_t>(ids.size()), table.columns()});
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= table.rows()) {
      throw Error(ErrorCode::invalid_argument, "[gather] row " + std::to_string(ids[i]) + " of a table of " +
                                                   std::to_string(table.rows()));
    }
    std::copy_n(table.row(ids[i]), table.columns(), y.row(static_cast<std::int64_t>(i)));
  }
  return y;
}

template <class T>
Tensor<T> add(Tensor<T> x, const Tensor<T>& y, const Tensor<T>& gain, Pass<T>&) {
  if (x.shape() != y.shape()) {
    throw Error(ErrorCode::invalid_argument, "[add] " + x.shape().string() + " and " + y.shape().string());
  }
  auto sum = x.unique() ? std::move(x) : x.clone();
  const auto width = sum.columns();
  for (std::int64_t i = 0; i < sum.rows(); ++i) {
    for (std::int64_t j = 0; j < width; ++j) {
      sum.row(i)[j] += gain.empty() ? y.row(i)[j] : gain.data()[j] * y.row(i)[j];
    }
  }
  return sum;
}

template <class T>
Tensor<T> mean_rows(const Tensor<T>& x, std::int64_t skip, Pass<T>& pass) {
  auto mean = Tensor<T>::zeros({pass.sequences.count(), x.columns()});
  for (std::int64_t b = 0; b < pass.sequences.count(); ++b) {
    const auto first = pass.sequences.begin[b] + skip, last = pass.sequences.begin[b + 1];
    for (std::int64_t i = first; i < last; ++i) {
      for (std::int64_t j = 0; j < x.columns(); ++j) mean.row(b)[j] += x.row(i)[j];
    }
    for (std::int64_t j = 0; j < x.columns(); ++j)
      mean.row(b)[j] /= static_cast<T>(std::max<std::int64_t>(last - first, 1));
  }
  return mean;
}

template Tensor<float> gather(const Tensor<float>&, std::span<const std::int64_t>, Pass<float>&);
template Tensor<double> gather(const Tensor<double>&, std::span<const std::int64_t>, Pass<double>&);
template Tensor<float> add(Tensor<float>, const Tensor<float>&, const Tensor<float>&, Pass<float>&);
template Tensor<double> add(Tensor<double>, const Tensor<double>&, const Tensor<double>&, Pass<double>&);
template Tensor<float> mean_rows(const Tensor<float>&, std::int64_t, Pass<float>&);
template Tensor<double> mean_rows(const Tensor<double>&, std::int64_t, Pass<double>&);

}  // namespace beeld
