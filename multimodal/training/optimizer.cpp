#include "multimodal/training/optimizer.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/base/parallel.h"

namespace beeld {

double learning_rate(const OptimizerSettings& settings, std::int64_t step, std::int64_t steps) {
  const auto warm_up = settings.warm_up_steps;
  if (step < warm_up)
    return settings.learning_rate * static_cast<double>(step + 1) / static_cast<double>(warm_up);
  const auto falling = std::max<std::int64_t>(steps - warm_up, 1);
  const double done = std::min(static_cast<double>(step - warm_up) / static_cast<double>(falling), 1.0);
  const double cosine = (1 + std::cos(std::numbers::pi * done)) / 2;
  return settings.learning_rate * (settings.final_rate + (1 - settings.final_rate) * cosine);
}

Optimizer::Optimizer(std::vector<Parameter> parameters, const OptimizerSettings& settings)
    : parameters_(std::move(parameters)), settings_(settings) {
  for (const auto& parameter : parameters_) {
    const auto shape = parameter.values.shape();
    memory_.push_back({Tensor<float>::zeros(shape), Tensor<float>::zeros(shape),
                       settings_.ema > 0 ? parameter.values.clone() : Tensor<float>{}});
  }
}

double Optimizer::update(std::vector<Tensor<float>>& gradients, double rate, std::int64_t step) {
  double square = 0;
  for (const auto& gradient : gradients) {
    double sum = 0;
    for (std::int64_t i = 0; i < (gradient.empty() ? 0 : gradient.size()); ++i)
      sum += static_cast<double>(gradient.data()[i]) * static_cast<double>(gradient.data()[i]);
    square += sum;
  }
  const double norm = std::sqrt(square), largest = settings_.max_grad_norm;
  const auto clip = static_cast<float>(largest > 0 && norm > largest ? largest / (norm + 1e-6) : 1.0);

  const auto count = static_cast<double>(step + 1);
  const auto correct1 = 1 - std::pow(settings_.beta1, count), correct2 = 1 - std::pow(settings_.beta2, count);
  const auto step_size = static_cast<float>(rate / correct1);
  const auto root = static_cast<float>(1 / std::sqrt(correct2)),
             epsilon = static_cast<float>(settings_.epsilon);
  const auto beta1 = static_cast<float>(settings_.beta1), beta2 = static_cast<float>(settings_.beta2);
  const auto keep = static_cast<float>(settings_.ema);

  parallel_for(static_cast<std::int64_t>(parameters_.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto p = static_cast<std::size_t>(begin); p < static_cast<std::size_t>(end); ++p) {
      auto& [values, decay] = parameters_[p];
      auto& memory = memory_[p];
      const auto size = values.size();
      float* w = values.data();
      float* m = memory.mean.data();
      float* v = memory.variance.data();
      const float* g = gradients[p].empty() ? nullptr : gradients[p].data();
      const float shrink = decay == Decay::yes ? static_cast<float>(1 - rate * settings_.weight_decay) : 1.0F;
      for (std::int64_t i = 0; i < size; ++i) {
        const float slope = g ? clip * g[i] : 0.0F;
        m[i] = beta1 * m[i] + (1 - beta1) * slope;
        v[i] = beta2 * v[i] + (1 - beta2) * slope * slope;
        w[i] = shrink * w[i] - step_size * m[i] / (std::sqrt(v[i]) * root + epsilon);
      }
      if (memory.ema.empty()) continue;
      float* ema = memory.ema.data();
      // Early on the average follows quickly, so that the first weights are soon forgotten.
      const float kept = std::min(keep, static_cast<float>((count + 1) / (count + 10)));
      for (std::int64_t i = 0; i < size; ++i) ema[i] = kept * ema[i] + (1 - kept) * w[i];
    }
  });
  return norm;
}

void Optimizer::exchange_with_ema() {
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    auto& ema = memory_[p].ema;
    if (ema.empty()) continue;
    auto& values = parameters_[p].values;
    std::swap_ranges(values.data(), values.data() + values.size(), ema.data());
  }
}

}  // namespace beeld
