#include <gtest/gtest.h>

#include <functional>

#include "core/transformer/block.h"
#include "tests/support/central_differences.h"
#include "tests/support/random_weights.h"

namespace beeld {
namespace {

using testing::Checked;
using testing::difference;
using testing::random_tensor;

struct Variant {
  const char* name;
  std::function<void(BlockConfig&)> change;
};

BlockConfig config_of(const Variant& variant, int width) {
  BlockConfig config;
  config.width = width;
  config.mlp_width = width * 3 / 2;
  set_heads(config, 2);
  variant.change(config);
  return config;
}

template <class T>
Transformer<T> random_stack(const BlockConfig& config) {
  auto stack = testing::random_transformer<T>(config, 3);
  if (config.activation != Activation::relu) return stack;
  // Far from relu's corner, where no difference is a derivative.
  for (auto& block : stack.blocks) {
    auto& weight = block.mlp.up.weight.plain();
    auto& bias = block.mlp.up.bias;
    for (std::int64_t i = 0; i < weight.size(); ++i) weight.data()[i] /= 3;
    for (std::int64_t i = 0; i < bias.size(); ++i) bias.data()[i] += i % 2 == 0 ? T{2} : T{-2};
  }
  return stack;
}

template <class T>
struct Stack {
  Tensor<T> x;
  Transformer<T> weights;
  Sequences sequences;
  Memory<T> memory;  // the first sequence reads its last one, all others its first one

  Checked<T> checked() const {
    return Checked<T>().add("x", x).add("memory", memory.rows).add("stack", weights);
  }
  testing::Forward<T> forward(const std::vector<std::int64_t>& wanted = {}) const {
    return [this, wanted](Pass<T>& pass) {
      ProjectedMemory<T> projected;
      if (!memory.rows.empty()) projected = project(memory, weights, pass);
      return transformer(
          x, weights,
          {.sequences = sequences, .wanted = wanted, .memory = memory.rows.empty() ? nullptr : &projected},
          pass);
    };
  }
};

template <class T>
Stack<T> stack_of(const Variant& variant, int width, std::initializer_list<std::int64_t> lengths) {
  Stack<T> stack;
  for (const auto length : lengths) stack.sequences.append(length);
  stack.x = random_tensor<T>({stack.sequences.rows(), width}, 9);
  const auto config = config_of(variant, width);
  stack.weights = random_stack<T>(config);
  if (config.cross_attention) {
    std::vector<std::int64_t> read(lengths.size(), 0);
    read.front() = 1;
    Sequences rows;
    rows.append(3);
    rows.append(2);
    stack.memory = {random_tensor<T>({5, config.memory_width}, 10), rows.gather(read)};
  }
  return stack;
}

class BlockGradients : public ::testing::TestWithParam<Variant> {};

TEST_P(BlockGradients, EqualCentralDifferences) {
  const auto stack = stack_of<double>(GetParam(), 8, {4, 2});
  testing::expect_gradients(stack.checked(), stack.forward());
}

TEST_P(BlockGradients, EqualCentralDifferencesOfTheWantedRows) {
  const auto stack = stack_of<double>(GetParam(), 8, {4, 2});
  testing::expect_gradients(stack.checked(), stack.forward({3, 5}));
  testing::expect_gradients(stack.checked(), stack.forward({1, 5}));
}

// Rows and columns that fill no vector and no tile of a product.
TEST_P(BlockGradients, AreTheSameInFloat) {
  const auto exact = stack_of<double>(GetParam(), 44, {37, 1, 23, 50});
  const auto stack = stack_of<float>(GetParam(), 44, {37, 1, 23, 50});
  testing::expect_gradients_in_float(testing::gradients_of(stack.checked(), stack.forward()),
                                     testing::gradients_of(exact.checked(), exact.forward()));
}

TEST_P(BlockGradients, AreTheSameOnAllThreads) {
  const auto stack = stack_of<float>(GetParam(), 44, {37, 1, 23, 50});
  const auto one = testing::gradients_of(stack.checked(), stack.forward());
  const auto all = testing::gradients_of<float>(stack.checked(), [&](Pass<float>& pass) {
    pass.workers = Workers::all;
    return stack.forward()(pass);
  });
  for (std::size_t i = 0; i < one.gradients.size(); ++i) {
    EXPECT_LT(difference(one.gradients[i], all.gradients[i]), 1e-5 * testing::largest_of(one.gradients[i]));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Variants, BlockGradients,
    ::testing::Values(
        Variant{"PreNorm", [](BlockConfig&) {}},
        Variant{"PostNorm", [](BlockConfig& c) { c.norm_place = NormPlace::post; }},
        Variant{"TailNorm", [](BlockConfig& c) { c.norm_place = NormPlace::tail; }},
        Variant{"TailNormLayerScale",
                [](BlockConfig& c) {
                  c.norm_place = NormPlace::tail;
                  c.residual_scale = ResidualScale::learned;
                }},
        Variant{"InnerNorms",
                [](BlockConfig& c) {
                  c.attention.query_key_norm = c.attention.inner_norm = InnerNorm::present;
                  c.mlp_inner_norm = InnerNorm::present;
                }},
        Variant{"InnerRootMeanSquareGatedRotary",
                [](BlockConfig& c) {
                  c.norm = NormKind::rms;
                  c.gating = Gating::gated;
                  c.activation = Activation::silu;
                  c.attention.position = PositionScheme::rotary;
                  c.attention.key_value_heads = 1;
                  c.attention.query_key_norm = c.attention.inner_norm = InnerNorm::present;
                  c.mlp_inner_norm = InnerNorm::present;
                }},
        Variant{"Causal", [](BlockConfig& c) { c.attention.mask = AttentionMask::causal; }},
        Variant{"PostNormCausal",
                [](BlockConfig& c) {
                  c.norm_place = NormPlace::post;
                  c.attention.mask = AttentionMask::causal;
                }},
        Variant{"LayerScale", [](BlockConfig& c) { c.residual_scale = ResidualScale::learned; }},
        Variant{"PostNormLayerScale",
                [](BlockConfig& c) {
                  c.norm_place = NormPlace::post;
                  c.residual_scale = ResidualScale::learned;
                }},
        Variant{"Gated",
                [](BlockConfig& c) {
                  c.gating = Gating::gated;
                  c.activation = Activation::silu;
                }},
        Variant{"Rotary", [](BlockConfig& c) { c.attention.position = PositionScheme::rotary; }},
        Variant{"RootMeanSquareRotaryGrouped",
                [](BlockConfig& c) {
                  c.norm = NormKind::rms;
                  c.attention.position = PositionScheme::rotary;
                  c.attention.mask = AttentionMask::causal;
                  c.attention.key_value_heads = 1;
                }},
        Variant{"RotaryOfAPartInterleaved",
                [](BlockConfig& c) {
                  c.attention.position = PositionScheme::rotary;
                  c.attention.rotary.width = 2;
                  c.attention.rotary.pairs = RotaryPairs::interleaved;
                }},
        Variant{"Crossing",
                [](BlockConfig& c) {
                  c.cross_attention = c.attention;
                  c.memory_width = 6;
                  c.attention.mask = AttentionMask::causal;
                }},
        Variant{"CrossingPostNormGrouped",
                [](BlockConfig& c) {
                  c.norm_place = NormPlace::post;
                  c.cross_attention = c.attention;
                  c.cross_attention->key_value_heads = 1;
                  c.memory_width = 6;
                }},
        Variant{"WithoutBiases",
                [](BlockConfig& c) {
                  c.attention.query_key_value_bias = c.attention.output_bias = c.mlp_bias = c.norm_bias =
                      Bias::absent;
                }},
        Variant{"RelativeBias",
                [](BlockConfig& c) {
                  c.attention.position = PositionScheme::relative_bias;
                  c.attention.relative = {.count = 4, .farthest = 3};
                }},
        Variant{"RelativeBiasCausal",
                [](BlockConfig& c) {
                  c.attention.position = PositionScheme::relative_bias;
                  c.attention.mask = AttentionMask::causal;
                  c.attention.relative = {.count = 4, .farthest = 4, .sides = BucketSides::backward};
                }},
        Variant{"QuickGelu", [](BlockConfig& c) { c.activation = Activation::quick_gelu; }},
        Variant{"TanhGelu", [](BlockConfig& c) { c.activation = Activation::gelu_tanh; }},
        Variant{"Silu", [](BlockConfig& c) { c.activation = Activation::silu; }},
        Variant{"Relu", [](BlockConfig& c) { c.activation = Activation::relu; }}),
    [](const auto& v) { return v.param.name; });

}  // namespace
}  // namespace beeld
