#pragma once

namespace beeld {

enum class Activation {
  identity,
  relu,
  gelu,        ///< x * Phi(x), exact
  gelu_tanh,   ///< the tanh form of GELU (Hendrycks & Gimpel 2016)
  quick_gelu,  ///< x * sigmoid(1.702 x)
  silu,        ///< x * sigmoid(x)
  sigmoid,     ///< 1 / (1 + exp(-x))
  tanh,
};

}  // namespace beeld
