#include "vision/convolution/folding.h"

#include <beeld/error.h>

#include <algorithm>
#include <cmath>
#include <memory>

namespace beeld {

namespace {

constexpr double batch_norm_eps = 1e-5;

Tensor<double> filled(std::int64_t count, double value) {
  Tensor<double> result({count});
  std::fill_n(result.data(), count, value);
  return result;
}

/// y = y * x, or y = y + factor * x, element by element.
template <class T>
void multiply(Tensor<double>& y, const Tensor<T>& x) {
  for (std::int64_t i = 0; i < y.size(); ++i) y.data()[i] *= static_cast<double>(x.data()[i]);
}

void add(Tensor<double>& y, const Tensor<double>& x, double factor = 1) {
  for (std::int64_t i = 0; i < y.size(); ++i) y.data()[i] += factor * x.data()[i];
}

}  // namespace

ChannelMap unchanged(std::int64_t channels) { return {filled(channels, 1), filled(channels, 0)}; }

Kernel::Kernel(const KernelShape& shape, Weight<float> stored, const Tensor<float>& bias)
    : shape_(shape), input_(filled(shape.outputs, 0)), bias_(filled(shape.outputs, 0)) {
  branches_.push_back({std::move(stored), shape.edge, filled(shape.outputs, 1), {}});
  if (!bias.empty()) std::copy_n(bias.data(), shape.outputs, bias_.data());
}

void Kernel::fold(const ChannelMap& behind) {
  for (auto& branch : branches_) multiply(branch.scale, behind.scale);
  multiply(input_, behind.scale);
  multiply(bias_, behind.scale);
  beeld::add(bias_, behind.shift);
}

void Kernel::fold_in_front(const ChannelMap& front) {
  auto& branch = branches_.front();
  branch.front = front.scale;
  constexpr std::int64_t together = 64;
  for (std::int64_t o = 0; o < shape_.outputs; o += together) {
    const auto some = branch.stored.read(o, std::min(o + together, shape_.outputs));
    for (std::int64_t i = 0; i < some.rows(); ++i) {
      for (std::int64_t c = 0; c < shape_.channels; ++c)
        bias_.data()[o + i] += static_cast<double>(some.row(i)[c]) * front.shift.data()[c];
    }
  }
}

void Kernel::scale(const Tensor<float>& gain) {
  for (auto& branch : branches_) multiply(branch.scale, gain);
  multiply(input_, gain);
  multiply(bias_, gain);
}

void Kernel::add(const Kernel& branch) {
  branches_.insert(branches_.end(), branch.branches_.begin(), branch.branches_.end());
  beeld::add(input_, branch.input_);
  beeld::add(bias_, branch.bias_);
}

void Kernel::add_input(const ChannelMap& map, double factor) {
  beeld::add(input_, map.scale, factor);
  beeld::add(bias_, map.shift, factor);
}

void Kernel::add_row(const Branch& branch, std::int64_t output, std::vector<double>& sum) const {
  const auto edge = branch.edge, margin = (shape_.edge - edge) / 2, channels = shape_.channels;
  const auto stored = branch.stored.read(output, output + 1);
  const float* from = stored.data();
  for (std::int64_t c = 0; c < channels; ++c) {
    const double factor = branch.scale.data()[output] * (branch.front.empty() ? 1 : branch.front.data()[c]);
    for (std::int64_t line = 0; line < edge; ++line) {
      for (std::int64_t column = 0; column < edge; ++column) {
        const auto tap = (line + margin) * shape_.edge + column + margin;
        sum[static_cast<std::size_t>(tap * channels + c)] += factor * static_cast<double>(*from++);
      }
    }
  }
}

Tensor<float> Kernel::rows(std::int64_t begin, std::int64_t end) const {
  const auto taps = shape_.edge * shape_.edge;
  Tensor<float> rows({end - begin, taps * shape_.channels});
  std::vector<double> sum(static_cast<std::size_t>(rows.columns()));
  for (auto o = begin; o < end; ++o) {
    std::ranges::fill(sum, 0);
    for (const auto& branch : branches_) add_row(branch, o, sum);
    sum[static_cast<std::size_t>(taps / 2 * shape_.channels + o % shape_.channels)] += input_.data()[o];
    std::ranges::transform(sum, rows.row(o - begin), [](double value) { return static_cast<float>(value); });
  }
  return rows;
}

Tensor<float> Kernel::bias() const {
  Tensor<float> bias({shape_.outputs});
  std::transform(bias_.data(), bias_.data() + bias_.size(), bias.data(),
                 [](double value) { return static_cast<float>(value); });
  return bias;
}

Kernel read_kernel(WeightReader& weights, const std::string& prefix, const KernelShape& shape, Bias bias) {
  const auto values = shape.channels * shape.edge * shape.edge;
  auto stored = weights.matrix(prefix + "weight", {shape.outputs, values});
  return {shape, std::move(stored),
          bias == Bias::present ? weights.read(prefix + "bias", {shape.outputs}) : Tensor<float>{}};
}

ChannelMap read_batch_norm(WeightReader& weights, const std::string& prefix, std::int64_t channels) {
  const auto gain = weights.read(prefix + "weight", {channels}),
             bias = weights.read(prefix + "bias", {channels});
  const auto mean = weights.statistics(prefix + "running_mean", {channels});
  const auto variance = weights.statistics(prefix + "running_var", {channels});
  weights.ignore({".num_batches_tracked"});
  auto map = unchanged(channels);
  for (std::int64_t c = 0; c < channels; ++c) {
    const double spread = variance.data()[c];
    if (!(spread >= 0)) {
      throw Error(ErrorCode::corrupt, "[weights] " + prefix + "running_var holds " + std::to_string(spread) +
                                          "; a variance is not below zero");
    }
    const double factor = gain.data()[c] / std::sqrt(spread + batch_norm_eps);
    map.scale.data()[c] = factor;
    map.shift.data()[c] = bias.data()[c] - mean.data()[c] * factor;
  }
  return map;
}

Linear<float> as_linear(Kernel kernel) {
  const auto [outputs, channels, edge] = kernel.shape();
  auto bias = kernel.bias();
  const auto whole = std::make_shared<const Kernel>(std::move(kernel));
  return {.weight = ComputedMatrix(
              {outputs, edge * edge * channels},
              [whole](std::int64_t begin, std::int64_t end) { return whole->rows(begin, end); }),
          .bias = std::move(bias)};
}

Convolution<float> as_convolution(Kernel kernel, std::int64_t groups, std::int64_t stride) {
  const auto edge = kernel.shape().edge;
  return {.window = {.edge = edge, .stride = stride, .padding = edge / 2},
          .groups = groups,
          .kernel = as_linear(std::move(kernel))};
}

}  // namespace beeld
