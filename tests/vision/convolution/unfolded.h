#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/ops/activation.h"
#include "core/ops/convolution.h"
#include "tests/support/random.h"
#include "tests/support/weight_files.h"

namespace beeld::testing {

/// Convolutional layers as they have learned, in double: every branch and every norm over a batch apart, by
/// the plain sums. Tensors are drawn when they are first asked for, so that a forward makes its checkpoint.
class Unfolded {
 public:
  using Maps = FeatureMaps<double>;

  const StoredTensors& tensors() const { return tensors_; }

  /// Values about `middle`.
  Tensor<double> read(const std::string& name, const std::vector<std::int64_t>& shape, double middle = 0,
                      double deviation = 0.3) {
    auto& stored = tensors_[name];
    if (stored.shape.empty()) {
      stored = random_stored(shape, seed_++);
      for (auto& value : stored.values)
        value = static_cast<float>(middle + std::clamp(deviation * value, -0.8, 0.8));
    }
    Tensor<double> values({static_cast<std::int64_t>(stored.values.size())});
    std::copy(stored.values.begin(), stored.values.end(), values.data());
    return values;
  }

  /// A convolution of the checkpoint [O,C/G,edge,edge], without bias.
  Maps convolution(const Maps& x, const std::string& name, Convolution<double> shape, std::int64_t outputs) {
    const auto edge = shape.window.edge, channels = x.rows.columns() / shape.groups;
    const double deviation = 1 / std::sqrt(static_cast<double>(edge * edge * channels));
    const auto stored = read(name + "weight", {outputs, channels, edge, edge}, 0, deviation);
    Tensor<double> kernel({outputs, edge * edge * channels});
    for (std::int64_t o = 0; o < outputs; ++o) {
      for (std::int64_t c = 0; c < channels; ++c) {
        for (std::int64_t tap = 0; tap < edge * edge; ++tap)
          kernel.row(o)[tap * channels + c] = stored.data()[(o * channels + c) * edge * edge + tap];
      }
    }
    shape.kernel.weight = kernel;
    return convolve_plain(x, shape);
  }

  Maps batch_norm(Maps x, const std::string& name) {
    const auto channels = x.rows.columns();
    const auto gain = read(name + "weight", {channels}, 1), bias = read(name + "bias", {channels});
    const auto mean = read(name + "running_mean", {channels});
    const auto variance = read(name + "running_var", {channels}, 1);
    if (!tensors_.contains(name + "num_batches_tracked")) tensors_[name + "num_batches_tracked"] = {{}, {7}};
    for (std::int64_t i = 0; i < x.rows.rows(); ++i) {
      for (std::int64_t c = 0; c < channels; ++c) {
        double& value = x.rows.row(i)[c];
        value =
            (value - mean.data()[c]) / std::sqrt(variance.data()[c] + 1e-5) * gain.data()[c] + bias.data()[c];
      }
    }
    return x;
  }

  /// x W^T + b of every row; without a bias where it has no name.
  Maps linear(const Maps& x, const std::string& weight, const std::string& bias, std::int64_t outputs) {
    const auto inputs = x.rows.columns();
    const auto w = read(weight, {outputs, inputs}, 0, 1 / std::sqrt(static_cast<double>(inputs)));
    const auto b = bias.empty() ? Tensor<double>::zeros({outputs}) : read(bias, {outputs});
    Maps y{Tensor<double>({x.rows.rows(), outputs}), x.height, x.width};
    for (std::int64_t i = 0; i < y.rows.rows(); ++i) {
      for (std::int64_t o = 0; o < outputs; ++o) {
        double sum = b.data()[o];
        for (std::int64_t c = 0; c < inputs; ++c) sum += w.data()[o * inputs + c] * x.rows.row(i)[c];
        y.rows.row(i)[o] = sum;
      }
    }
    return y;
  }

  static Maps activated(Maps x, Activation activation) {
    for (std::int64_t i = 0; i < x.rows.size(); ++i)
      x.rows.data()[i] = activate(x.rows.data()[i], activation);
    return x;
  }

  /// x + factor * y
  static Maps sum(const Maps& x, const Maps& y, double factor = 1) {
    Maps z{x.rows.clone(), x.height, x.width};
    for (std::int64_t i = 0; i < z.rows.size(); ++i) z.rows.data()[i] += factor * y.rows.data()[i];
    return z;
  }

  /// x + gain * y
  static Maps scaled_sum(const Maps& x, const Maps& y, const Tensor<double>& gain) {
    Maps z{x.rows.clone(), x.height, x.width};
    for (std::int64_t i = 0; i < z.rows.rows(); ++i) {
      for (std::int64_t c = 0; c < gain.size(); ++c) z.rows.row(i)[c] += gain.data()[c] * y.rows.row(i)[c];
    }
    return z;
  }

  /// Rows that attend to all rows by softmax(q k^T / sqrt(D)) v. One map.
  static Tensor<double> attended(const Tensor<double>& q, const Tensor<double>& k, const Tensor<double>& v,
                                 std::int64_t heads) {
    const auto width = q.columns() / heads;
    auto result = Tensor<double>::zeros({q.rows(), q.columns()});
    for (std::int64_t h = 0; h < heads; ++h) {
      for (std::int64_t i = 0; i < q.rows(); ++i) {
        std::vector<double> weights;
        double total = 0;
        for (std::int64_t j = 0; j < k.rows(); ++j) {
          double score = 0;
          for (auto d = h * width; d < (h + 1) * width; ++d) score += q.row(i)[d] * k.row(j)[d];
          weights.push_back(std::exp(score / std::sqrt(static_cast<double>(width))));
          total += weights.back();
        }
        for (std::int64_t j = 0; j < k.rows(); ++j) {
          for (auto d = h * width; d < (h + 1) * width; ++d)
            result.row(i)[d] += weights[static_cast<std::size_t>(j)] / total * v.row(j)[d];
        }
      }
    }
    return result;
  }

  static Tensor<double> columns(const Tensor<double>& x, std::int64_t begin, std::int64_t end) {
    Tensor<double> part({x.rows(), end - begin});
    for (std::int64_t i = 0; i < x.rows(); ++i) std::copy(x.row(i) + begin, x.row(i) + end, part.row(i));
    return part;
  }

  /// The mean of all places: one row, as a map of one place.
  static Maps mean(const Maps& x) {
    Maps y{Tensor<double>::zeros({1, x.rows.columns()}), 1, 1};
    for (std::int64_t i = 0; i < x.rows.rows(); ++i) {
      for (std::int64_t c = 0; c < x.rows.columns(); ++c)
        y.rows.data()[c] += x.rows.row(i)[c] / static_cast<double>(x.rows.rows());
    }
    return y;
  }

 private:
  StoredTensors tensors_;
  std::uint64_t seed_ = 1;
};

}  // namespace beeld::testing
