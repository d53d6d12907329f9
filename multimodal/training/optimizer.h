#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor/tensor.h"
#include "core/transformer/parameters.h"

namespace beeld {

/// AdamW (Loshchilov and Hutter 2017) and what surrounds it.
struct OptimizerSettings {
  double learning_rate = 1e-3;  ///< the highest
  double final_rate = 0;        ///< where the cosine ends, as a part of the highest
  std::int64_t warm_up_steps = 0;
  double beta1 = 0.9;
  double beta2 = 0.98;
  double epsilon = 1e-6;
  double weight_decay = 0.1;
  double max_grad_norm = 1;  ///< gradients are scaled down to it (Pascanu et al. 2013); 0: never
  double ema = 0;            ///< decay of the exponential moving average of the weights; 0: none
};

/// A linear warm-up, then half a cosine (Loshchilov and Hutter 2016). Step 0 is the first.
double learning_rate(const OptimizerSettings& settings, std::int64_t step, std::int64_t steps);

/// Changes parameters by their gradients, and holds what that needs from step to step.
class Optimizer {
 public:
  struct Parameter {
    Tensor<float> values;  ///< shared with the model
    Decay decay = Decay::yes;
  };

  /// What is remembered of one parameter.
  struct Memory {
    Tensor<float> mean;      ///< of its gradients
    Tensor<float> variance;  ///< of its gradients, about zero
    Tensor<float> ema;       ///< moving average of its values, or empty
  };

  Optimizer(std::vector<Parameter> parameters, const OptimizerSettings& settings);

  const std::vector<Parameter>& parameters() const { return parameters_; }

  /// One update with gradients in the order of the parameters (an empty one is zero); `step` counts from 0.
  /// Returns the gradients' norm before clipping.
  double update(std::vector<Tensor<float>>& gradients, double rate, std::int64_t step);

  /// Exchanges the weights with their moving average, if one is kept.
  void exchange_with_ema();

  const std::vector<Memory>& memory() const { return memory_; }

 private:
  std::vector<Parameter> parameters_;
  std::vector<Memory> memory_;
  OptimizerSettings settings_;
};

}  // namespace beeld
