#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "core/tensor/tape.h"
#include "core/transformer/block.h"
#include "tests/support/random.h"

namespace beeld::testing {

/// Named values whose gradients are checked: inputs and parameters of a forward. Empty ones are left out.
template <class T>
class Checked {
 public:
  Checked& add(const std::string& name, const Tensor<T>& values) {
    if (!values.empty()) all_.push_back({name, values});
    return *this;
  }

  Checked& add(const std::string& name, const Weight<T>& weight) {
    return weight.empty() ? *this : add(name, weight.plain());
  }

  Checked& add(const std::string& name, const Linear<T>& weights) {
    return add(name + ".weight", weights.weight).add(name + ".bias", weights.bias);
  }

  Checked& add(const std::string& name, const Norm<T>& weights) {
    return add(name + ".gain", weights.gain).add(name + ".bias", weights.bias);
  }

  Checked& add(const std::string& name, const AttentionWeights<T>& weights) {
    add(name + ".query", weights.query).add(name + ".key_value", weights.key_value);
    // The bias of the keys' norm adds the same to all scores of a query, and so has no gradient to measure.
    add(name + ".query_norm", weights.query_norm).add(name + ".key_norm.gain", weights.key_norm.gain);
    add(name + ".inner_norm", weights.inner_norm);
    return add(name + ".output", weights.output);
  }

  Checked& add(const std::string& name, const MlpWeights<T>& weights) {
    add(name + ".inner_norm", weights.inner_norm);
    return add(name + ".up", weights.up).add(name + ".gate", weights.gate).add(name + ".down", weights.down);
  }

  Checked& add(const std::string& name, const Transformer<T>& weights) {
    for (std::size_t i = 0; i < weights.blocks.size(); ++i) {
      const auto& block = weights.blocks[i];
      const auto prefix = name + "." + std::to_string(i);
      add(prefix + ".attention_norm", block.attention_norm).add(prefix + ".attention", block.attention);
      add(prefix + ".attention_scale", block.attention_scale);
      add(prefix + ".cross_attention_norm", block.cross_attention_norm);
      add(prefix + ".cross_attention", block.cross_attention);
      add(prefix + ".mlp_norm", block.mlp_norm).add(prefix + ".mlp", block.mlp);
      add(prefix + ".mlp_scale", block.mlp_scale);
    }
    return add(name + ".relative_bias", weights.relative_bias);
  }

  struct Named {
    std::string name;
    Tensor<T> values;
  };
  const std::vector<Named>& all() const { return all_; }

 private:
  std::vector<Named> all_;
};

/// A forward from the checked values, which it must read anew at every call.
template <class T>
using Forward = std::function<Tensor<T>(Pass<T>&)>;

/// The result of a forward, and the gradients by the checked values, in their order, of that result weighed
/// by random values.
template <class T>
struct Gradients {
  Tensor<T> result;
  std::vector<Tensor<T>> gradients;
};

template <class T>
Gradients<T> gradients_of(const Checked<T>& checked, const Forward<T>& forward, std::uint64_t seed = 77) {
  Tape<T> tape;
  Pass<T> pass;
  pass.tape = &tape;
  for (const auto& [name, values] : checked.all()) tape.watch(values);
  Gradients<T> found;
  const auto y = forward(pass);
  found.result = y.clone();
  tape.add(y, random_tensor<T>(y.shape(), seed));
  tape.backward();
  for (const auto& [name, values] : checked.all()) found.gradients.push_back(tape.gradient(values));
  return found;
}

/// The derivative by every one of `values` of a forward's result weighed by `seed`, by the central difference
/// of fourth order, whose error is of the order of the step's fourth power. The values are moved and put
/// back.
inline Tensor<double> central_differences(const Forward<double>& forward, std::uint64_t seed,
                                          Tensor<double> values) {
  constexpr double step = 5e-4;
  Tensor<double> result(values.shape());
  for (std::int64_t i = 0; i < values.size(); ++i) {
    double& x = values.data()[i];
    const double middle = x;
    const auto at = [&](double offset) {
      x = middle + offset;
      Pass<double> pass;
      const auto y = forward(pass), weights = random_tensor<double>(y.shape(), seed);
      return std::inner_product(y.data(), y.data() + y.size(), weights.data(), 0.0);
    };
    const double near = at(step) - at(-step), far = at(2 * step) - at(-2 * step);
    x = middle;
    result.data()[i] = (8 * near - far) / (12 * step);
  }
  return result;
}

template <class T>
double largest_of(const Tensor<T>& values) {
  double largest = 0;
  for (std::int64_t i = 0; i < values.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(values.data()[i])));
  return largest;
}

/// Expects that a tape changes no value of the forward, and that the gradient of every checked value equals
/// its central differences, to 1e-8 of the largest of them (doubles give about 1e-11).
inline void expect_gradients(const Checked<double>& checked, const Forward<double>& forward) {
  constexpr std::uint64_t seed = 77;
  const auto found = gradients_of(checked, forward, seed);
  Pass<double> plain;
  EXPECT_EQ(difference(found.result, forward(plain)), 0);
  for (std::size_t i = 0; i < found.gradients.size(); ++i) {
    const auto& [name, values] = checked.all()[i];
    const auto expected = central_differences(forward, seed, values);
    const double largest = largest_of(expected);
    EXPECT_GT(largest, 1e-4) << name;
    EXPECT_LT(difference(found.gradients[i], expected), 1e-8 * largest) << name;
  }
}

/// Expects that gradients in float equal those of the same forward in double, which are exact beside them.
inline void expect_gradients_in_float(const Gradients<float>& found, const Gradients<double>& exact) {
  ASSERT_EQ(found.gradients.size(), exact.gradients.size());
  for (std::size_t i = 0; i < found.gradients.size(); ++i) {
    EXPECT_LT(difference(found.gradients[i], exact.gradients[i]), 1e-5 * largest_of(exact.gradients[i])) << i;
  }
}

}  // namespace beeld::testing
