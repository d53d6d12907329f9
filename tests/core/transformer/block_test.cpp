#include "core/transformer/block.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <functional>

#include "core/ops/activation.h"
#include "core/ops/rows.h"
#include "tests/support/expect_error.h"
#include "tests/support/random_weights.h"

namespace beeld {
namespace {

using testing::difference;
using testing::random_tensor;
using testing::random_transformer;

BlockConfig small_block() {
  BlockConfig config;
  config.width = 16;
  config.mlp_width = 24;
  set_heads(config, 2);
  return config;
}

Sequences five_and_two() {
  Sequences sequences;
  sequences.append(5);
  sequences.append(2);
  return sequences;
}

/// The formula of a block's attention, from the operations it consists of.
Tensor<double> attention_of_rows(const Tensor<double>& h, const Sequences& sequences,
                                 const Transformer<double>& stack, Pass<double>& pass) {
  const auto& c = stack.config.attention;
  const auto& w = stack.blocks.front().attention;
  auto q = linear(h, w.query, pass), kv = linear(h, w.key_value, pass);
  if (c.query_key_norm == InnerNorm::present) {
    q = norm_heads(q, w.query_norm, c.heads, pass);
    kv = norm_heads(kv, w.key_norm, c.key_value_heads, pass);
  }
  if (c.position == PositionScheme::rotary) {
    const auto frequencies = rotary_frequencies(c.rotary, c.head_width, sequences.positions());
    const auto angles = rotation<double>(sequences, frequencies);
    q = rotate(q, angles, {c.heads, c.head_width, c.rotary.pairs}, pass);
    kv = rotate(kv, angles, {c.key_value_heads, c.head_width, c.rotary.pairs}, pass);
  }
  DistanceBias<double> bias;
  if (c.position == PositionScheme::relative_bias)
    bias = relative_bias(stack.relative_bias, c.relative, {-9, 9}, pass);
  const auto y = attention<double>({q, kv, sequences, sequences, bias}, c, pass);
  return c.inner_norm == InnerNorm::present ? norm(y, w.inner_norm, pass) : y;
}

/// The formula of its MLP.
Tensor<double> feed_forward_of(const Tensor<double>& h, const BlockConfig& c, const MlpWeights<double>& w,
                               Pass<double>& pass) {
  const bool gated = c.gating == Gating::gated;
  const auto e = activate(linear(h, gated ? w.gate : w.up, pass), c.activation, pass);
  const auto product = gated ? gate(e, linear(h, w.up, pass), Activation::identity, pass) : e;
  return linear(c.mlp_inner_norm == InnerNorm::present ? norm(product, w.inner_norm, pass) : product, w.down,
                pass);
}

/// The formulas of the places that a norm has, written out.
Tensor<double> block_by_definition(const Tensor<double>& x, const Sequences& sequences,
                                   const Transformer<double>& stack, Pass<double>& pass) {
  const auto& c = stack.config;
  const auto& w = stack.blocks.front();
  const auto self_attention = [&](const Tensor<double>& h) {
    return linear(attention_of_rows(h, sequences, stack, pass), w.attention.output, pass);
  };
  const auto feed_forward = [&](const Tensor<double>& h) { return feed_forward_of(h, c, w.mlp, pass); };
  const auto branch = [&](const Tensor<double>& y, const Norm<double>& n, const Tensor<double>& scale,
                          const std::function<Tensor<double>(const Tensor<double>&)>& f) {
    if (c.norm_place == NormPlace::pre) return add(y.clone(), f(norm(y, n, pass)), scale, pass);
    if (c.norm_place == NormPlace::tail) return add(y.clone(), norm(f(y), n, pass), scale, pass);
    return norm(add(y.clone(), f(y), scale, pass), n, pass);
  };
  const auto y = branch(x, w.attention_norm, w.attention_scale, self_attention);
  return branch(y, w.mlp_norm, w.mlp_scale, feed_forward);
}

struct Variant {
  const char* name;
  std::function<void(BlockConfig&)> change;
};

class Blocks : public ::testing::TestWithParam<Variant> {
 protected:
  BlockConfig config() const {
    auto block = small_block();
    GetParam().change(block);
    return block;
  }
};

TEST_P(Blocks, EqualTheirFormula) {
  const auto stack = random_transformer<double>(config(), 1);
  Pass<double> pass;
  const auto sequences = five_and_two();
  const auto x = random_tensor<double>({7, 16}, 9);
  const auto y = transformer(x.clone(), stack, {sequences}, pass);
  EXPECT_LT(difference(y, block_by_definition(x, sequences, stack, pass)), 1e-12);
}

TEST_P(Blocks, GiveTheSameForTheWantedRowsAlone) {
  const auto stack = random_transformer<double>(config(), 3);
  Pass<double> pass;
  const auto sequences = five_and_two();
  const auto x = random_tensor<double>({7, 16}, 9);
  for (const auto& wanted : {std::vector<std::int64_t>{4, 6}, {0, 5}, {2, 6}}) {
    const auto expected = gather<double>(transformer(x.clone(), stack, {sequences}, pass), wanted, pass);
    EXPECT_LT(difference(transformer(x.clone(), stack, {sequences, wanted}, pass), expected), 1e-12);
  }
}

TEST_P(Blocks, GiveTheSamePackedAndOnAllThreads) {
  const auto plain = random_transformer<float>(config(), 2);
  auto packed = plain;
  pack(packed);
  const auto x = random_tensor<float>({70, 16}, 9);
  Pass<float> one, all;
  const auto sequences = Sequences::equal(10, 7);
  all.workers = Workers::all;
  const auto expected = transformer(x.clone(), plain, {sequences}, one);
  EXPECT_LT(difference(transformer(x.clone(), packed, {sequences}, one), expected), 2e-5);
  EXPECT_LT(difference(transformer(x.clone(), packed, {sequences}, all), expected), 2e-5);
}

TEST_P(Blocks, LeaveTheirInputAlone) {
  const auto stack = random_transformer<float>(config(), 1);
  Pass<float> pass;
  const auto x = random_tensor<float>({4, 16}, 9);
  const auto before = x.clone();
  transformer(x, stack, {Sequences::equal(1, 4)}, pass);
  EXPECT_EQ(difference(x, before), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Variants, Blocks,
    ::testing::Values(Variant{"PreNorm", [](BlockConfig&) {}},
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
                      Variant{"LayerScale",
                              [](BlockConfig& c) { c.residual_scale = ResidualScale::learned; }},
                      Variant{"Gated",
                              [](BlockConfig& c) {
                                c.gating = Gating::gated;
                                c.activation = Activation::silu;
                              }},
                      Variant{"RootMeanSquareRotaryGrouped",
                              [](BlockConfig& c) {
                                c.norm = NormKind::rms;
                                c.attention.position = PositionScheme::rotary;
                                c.attention.mask = AttentionMask::causal;
                                c.attention.key_value_heads = 1;
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
                                c.attention.relative = {
                                    .count = 4, .farthest = 4, .sides = BucketSides::backward};
                              }},
                      Variant{"QuickGelu", [](BlockConfig& c) { c.activation = Activation::quick_gelu; }},
                      Variant{"TanhGelu", [](BlockConfig& c) { c.activation = Activation::gelu_tanh; }},
                      Variant{"Relu", [](BlockConfig& c) { c.activation = Activation::relu; }}),
    [](const auto& v) { return v.param.name; });

TEST(Transformer, RefusesRowsOfOtherSequences) {
  auto config = small_block();
  config.attention.mask = AttentionMask::causal;
  const auto stack = random_transformer<float>(config, 1);
  const auto x = random_tensor<float>({7, 16}, 9);
  Pass<float> pass;
  struct Wrong {
    std::vector<std::int64_t> wanted;
    const char* part;
  };
  for (const auto& wrong : {Wrong{{4}, "1 rows for 2 sequences"},
                            Wrong{{4, 4}, "row 4 is wanted of sequence 1, which is rows 5 to 6"},
                            Wrong{{6, 3}, "row 6 is wanted of sequence 0, which is rows 0 to 4"},
                            Wrong{{4, 7}, "row 7 is wanted of sequence 1, which is rows 5 to 6"},
                            Wrong{{-1, 6}, "row -1 is wanted of sequence 0, which is rows 0 to 4"}}) {
    testing::expect_error(ErrorCode::invalid_argument, wrong.part, [&] {
      transformer(x, stack, {five_and_two(), wrong.wanted}, pass);
    });
  }
  testing::expect_error(ErrorCode::invalid_argument, "rows [7,16] for sequences of 6",
                        [&] { transformer(x, stack, {Sequences::equal(2, 3)}, pass); });
}

}  // namespace
}  // namespace beeld
