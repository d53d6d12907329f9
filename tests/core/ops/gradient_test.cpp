#include <gtest/gtest.h>

#include <functional>

#include "core/ops/activation.h"
#include "core/ops/relative_bias.h"
#include "core/ops/rows.h"
#include "core/transformer/attention.h"
#include "core/transformer/rotary.h"
#include "tests/support/central_differences.h"
#include "tests/support/random_weights.h"

namespace beeld {
namespace {

using testing::Checked;
using testing::expect_gradients;
using testing::random_linear;
using testing::random_tensor;

constexpr Activation activations[] = {Activation::identity,  Activation::relu,       Activation::gelu,
                                      Activation::gelu_tanh, Activation::quick_gelu, Activation::silu,
                                      Activation::sigmoid,   Activation::tanh};

Sequences sequences_of(std::initializer_list<std::int64_t> lengths) {
  Sequences sequences;
  for (const auto length : lengths) sequences.append(length);
  return sequences;
}

/// Values at least a tenth from zero, where relu has its corner.
Tensor<double> random_away_from_zero(Shape shape, std::uint64_t seed) {
  auto x = random_tensor<double>(shape, seed);
  for (std::int64_t i = 0; i < x.size(); ++i) x.data()[i] += x.data()[i] < 0 ? -0.1 : 0.1;
  return x;
}

/// Lets an operation have values that nobody else holds, as the result of another.
Tensor<double> result_of(const Tensor<double>& x, Pass<double>& pass) {
  return activate(x, Activation::identity, pass);
}

TEST(LinearGradient, EqualsCentralDifferencesForEveryActivation) {
  const auto x = random_tensor<double>({6, 3}, 1);
  for (const auto activation : activations) {
    for (const auto bias : {Bias::absent, Bias::present}) {
      const auto w = random_linear<double>({4, 3}, 2, bias);
      expect_gradients(Checked<double>().add("x", x).add("w", w),
                       [&](Pass<double>& pass) { return linear(x, w, pass, activation); });
    }
  }
}

TEST(LinearGradient, EqualsCentralDifferencesOverAResidual) {
  const auto x = random_tensor<double>({6, 3}, 1), residual = random_tensor<double>({6, 4}, 5);
  for (const auto bias : {Bias::absent, Bias::present}) {
    const auto w = random_linear<double>({4, 3}, 2, bias);
    const auto checked = Checked<double>().add("x", x).add("w", w).add("residual", residual);
    expect_gradients(checked, [&](Pass<double>& pass) { return linear_residual(x, w, residual, pass); });
    expect_gradients(checked, [&](Pass<double>& pass) {
      auto own = result_of(residual, pass);
      const auto* place = own.data();
      auto y = linear_residual(x, w, std::move(own), pass);
      EXPECT_EQ(y.data(), place);  // in place, also under a tape
      return y;
    });
  }
}

// The residual stream of pre-norm blocks: written over again and again, and read between.
TEST(LinearGradient, EqualsCentralDifferencesWhereAResidualIsReadAndWrittenOver) {
  const auto start = random_tensor<double>({5, 4}, 1);
  const auto first = random_linear<double>({4, 4}, 2), second = random_linear<double>({4, 4}, 4);
  expect_gradients(Checked<double>().add("start", start).add("first", first).add("second", second),
                   [&](Pass<double>& pass) {
                     auto x = result_of(start, pass);
                     for (const auto* w : {&first, &second, &first}) {
                       const auto h = linear(x, *w, pass, Activation::silu);
                       x = linear_residual(h, *w, std::move(x), pass);
                       x = linear_residual(h, *w, std::move(x), pass);
                     }
                     return x;
                   });
}

TEST(NormGradient, EqualsCentralDifferences) {
  BlockConfig config;
  config.width = 5;
  const auto x = random_tensor<double>({4, 5}, 1, 2);
  for (const auto kind : {NormKind::layer, NormKind::rms}) {
    for (const auto bias : {Bias::absent, Bias::present}) {
      auto w = testing::random_norm<double>(config, 2);
      w.kind = kind;
      if (bias == Bias::absent) w.bias = {};
      expect_gradients(Checked<double>().add("x", x).add("w", w),
                       [&](Pass<double>& pass) { return norm(x, w, pass); });
    }
  }
}

TEST(NormHeadsGradient, EqualsCentralDifferences) {
  BlockConfig config;
  const auto x = random_tensor<double>({4, 8}, 1, 2);  // the last two columns are no head
  for (const auto kind : {NormKind::layer, NormKind::rms}) {
    config.norm = kind;
    const auto w = testing::random_norm<double>(config, 2, 3);
    expect_gradients(Checked<double>().add("x", x).add("w", w),
                     [&](Pass<double>& pass) { return norm_heads(x, w, 2, pass); });
  }
}

TEST(ActivationGradient, EqualsCentralDifferences) {
  const auto x = random_away_from_zero({4, 5}, 1);
  for (const auto activation : activations) {
    expect_gradients(Checked<double>().add("x", x),
                     [&](Pass<double>& pass) { return activate(x, activation, pass); });
  }
}

TEST(GateGradient, EqualsCentralDifferences) {
  const auto gates = random_away_from_zero({4, 5}, 1), up = random_tensor<double>({4, 5}, 2);
  for (const auto activation : activations) {
    expect_gradients(Checked<double>().add("gates", gates).add("up", up),
                     [&](Pass<double>& pass) { return gate(gates, up, activation, pass); });
    expect_gradients(Checked<double>().add("both", gates),
                     [&](Pass<double>& pass) { return gate(gates, gates, activation, pass); });
  }
}

TEST(RotaryGradient, EqualsCentralDifferences) {
  // Two heads in the first columns; the last three are left as they are.
  const auto x = random_tensor<double>({6, 11}, 1);
  for (const int width : {2, 4}) {
    for (const auto pairs : {RotaryPairs::half_split, RotaryPairs::interleaved}) {
      const RotaryHeads heads{.heads = 2, .width = 4, .pairs = pairs};
      auto frequencies = rotary_frequencies({.width = width, .base = 100});
      frequencies.attention_factor = 1.5;
      const auto angles = rotation<double>(sequences_of({4, 2}), frequencies);
      expect_gradients(Checked<double>().add("x", x),
                       [&](Pass<double>& pass) { return rotate(x, angles, heads, pass); });
      expect_gradients(Checked<double>().add("x", x), [&](Pass<double>& pass) {
        auto own = result_of(x, pass);
        const auto* place = own.data();
        auto y = rotate(std::move(own), angles, heads, pass);
        EXPECT_EQ(y.data(), place);
        return y;
      });
    }
  }
}

TEST(RelativeBiasGradient, EqualsCentralDifferences) {
  for (const auto sides : {BucketSides::both, BucketSides::backward}) {
    const auto table = random_tensor<double>({8, 3}, 1);
    const RelativeBuckets buckets{.count = 8, .farthest = 20, .sides = sides};
    expect_gradients(Checked<double>().add("table", table), [&](Pass<double>& pass) {
      return relative_bias(table, buckets, {-30, 30}, pass).values;
    });
  }
}

TEST(GatherGradient, AddsWhereARowIsTakenAgain) {
  const auto table = random_tensor<double>({5, 3}, 1);
  const std::vector<std::int64_t> ids{4, 0, 4, 4, 2};
  const auto forward = [&](Pass<double>& pass) { return gather<double>(table, ids, pass); };
  const auto checked = Checked<double>().add("table", table);
  expect_gradients(checked, forward);
  const auto gradient = testing::gradients_of<double>(checked, forward).gradients.front();
  for (const std::int64_t unread : {1, 3}) {
    for (int j = 0; j < 3; ++j) EXPECT_EQ(gradient.row(unread)[j], 0);
  }
}

TEST(AddGradient, EqualsCentralDifferences) {
  const auto x = random_tensor<double>({4, 3}, 1), y = random_tensor<double>({4, 3}, 2);
  for (const auto& gain : {Tensor<double>{}, random_tensor<double>({3}, 3)}) {
    const auto checked = Checked<double>().add("x", x).add("y", y).add("gain", gain);
    expect_gradients(checked, [&](Pass<double>& pass) { return add(x, y, gain, pass); });
    expect_gradients(checked, [&](Pass<double>& pass) {
      auto own = result_of(x, pass);
      const auto* place = own.data();
      auto sum = add(std::move(own), y, gain, pass);
      EXPECT_EQ(sum.data(), place);
      return sum;
    });
    expect_gradients(Checked<double>().add("both", x).add("gain", gain),
                     [&](Pass<double>& pass) { return add(x, x, gain, pass); });
  }
}

TEST(MeanRowsGradient, EqualsCentralDifferences) {
  const auto x = random_tensor<double>({9, 3}, 1);
  for (const std::int64_t skip : {0, 1, 2}) {
    const auto sequences = sequences_of({4, 2, 3});  // nothing is left of the second where two are skipped
    expect_gradients(Checked<double>().add("x", x),
                     [&](Pass<double>& pass) { return mean_rows(x, sequences, skip, pass); });
  }
}

TEST(MaxRowsGradient, EqualsCentralDifferences) {
  const auto x = random_tensor<double>({9, 3}, 1);
  for (const std::int64_t skip : {0, 1, 2}) {
    const auto sequences = sequences_of({4, 2, 3});
    expect_gradients(Checked<double>().add("x", x),
                     [&](Pass<double>& pass) { return max_rows(x, sequences, skip, pass); });
  }
}

TEST(BesideGradient, EqualsCentralDifferences) {
  const auto left = random_tensor<double>({4, 3}, 1), right = random_tensor<double>({4, 2}, 2);
  expect_gradients(Checked<double>().add("left", left).add("right", right),
                   [&](Pass<double>& pass) { return concat(left, right, pass); });
  expect_gradients(Checked<double>().add("both", left),
                   [&](Pass<double>& pass) { return concat(left, left, pass); });
}

struct AttentionCase {
  const char* name;
  int heads, key_value_heads;
  AttentionMask mask;
  std::vector<std::int64_t> query_lengths, key_lengths;
  Bias bias = Bias::absent;  // added to the scores
};

class AttentionGradients : public ::testing::TestWithParam<AttentionCase> {};

TEST_P(AttentionGradients, EqualCentralDifferences) {
  constexpr int head_width = 3;
  const auto& c = GetParam();
  BlockConfig block;
  block.width = c.heads * head_width;
  set_heads(block, c.heads);
  auto& config = block.attention;
  config.key_value_heads = c.key_value_heads;
  config.mask = c.mask;
  Sequences queries, keys;
  for (std::size_t b = 0; b < c.key_lengths.size(); ++b) {
    const bool causal = c.mask == AttentionMask::causal;
    queries.append(c.query_lengths[b], causal ? c.key_lengths[b] - c.query_lengths[b] : 0);
    keys.append(c.key_lengths[b]);
  }
  const auto q = random_tensor<double>({queries.rows(), c.heads * head_width}, 1);
  const auto kv = random_tensor<double>({keys.rows(), 2 * c.key_value_heads * head_width}, 2);
  const auto bias = c.bias == Bias::absent ? Tensor<double>{} : random_tensor<double>({c.heads, 12}, 3);
  expect_gradients(Checked<double>().add("q", q).add("kv", kv).add("bias", bias), [&](Pass<double>& pass) {
    return attention<double>({q, kv, queries, keys, {bias, -6}}, config, pass);
  });
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, AttentionGradients,
    ::testing::Values(
        AttentionCase{"Self", 2, 2, AttentionMask::none, {4, 1, 3}, {4, 1, 3}},
        AttentionCase{"Causal", 2, 2, AttentionMask::causal, {1, 5, 2}, {1, 5, 2}},
        AttentionCase{"LastQueryOnly", 2, 2, AttentionMask::causal, {1, 1}, {5, 3}},
        AttentionCase{"LastQueriesOnly", 2, 2, AttentionMask::causal, {2, 3}, {5, 3}},
        AttentionCase{"Cross", 2, 2, AttentionMask::none, {3, 1}, {2, 6}},
        AttentionCase{"OneQuery", 3, 3, AttentionMask::none, {1, 1, 1}, {3, 2, 5}},
        AttentionCase{"Grouped", 4, 2, AttentionMask::none, {3, 2}, {3, 2}},
        AttentionCase{"GroupedCausal", 6, 1, AttentionMask::causal, {4}, {4}},
        AttentionCase{
            "GroupedSingleQueries", 4, 2, AttentionMask::causal, {1, 2, 1}, {4, 3, 2}, Bias::present},
        AttentionCase{"Biased", 2, 2, AttentionMask::none, {3, 5}, {3, 5}, Bias::present},
        AttentionCase{"BiasedCausal", 2, 1, AttentionMask::causal, {3, 1}, {4, 6}, Bias::present}),
    [](const auto& c) { return c.param.name; });

TEST(MultiHeadAttentionGradient, EqualsCentralDifferencesOfTheProjections) {
  BlockConfig config;
  config.width = 4;
  set_heads(config, 2);
  for (const auto bias : {Bias::absent, Bias::present}) {
    config.attention.query_key_value_bias = bias;
    auto w = testing::random_attention<double>(config, 1);
    w.output = {};  // the caller's
    const auto x = random_tensor<double>({3, 4}, 5), memory = random_tensor<double>({5, 4}, 6);
    const auto queries = sequences_of({1, 2}), keys = sequences_of({3, 2});
    expect_gradients(
        Checked<double>().add("x", x).add("memory", memory).add("w", w), [&](Pass<double>& pass) {
          return multi_head_attention<double>({x, memory, queries, keys}, config.attention, w, pass);
        });
  }
}

}  // namespace
}  // namespace beeld
