#include "core/transformer/attention.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/expect_error.h"
#include "tests/support/random.h"

namespace beeld {
namespace {

using testing::difference;
using testing::random_tensor;

BlockConfig heads_of(int heads, int key_value_heads, int head_width) {
  BlockConfig config;
  config.width = heads * head_width;
  set_heads(config, heads);
  config.key_value_heads = key_value_heads;
  return config;
}

/// Equation 1 of the paper, one number at a time.
Tensor<double> attention_by_definition(const QueriesKeysValues<double>& input, const BlockConfig& config,
                                       const Tensor<double>& bias) {
  Tensor<double> y(input.q.shape());
  const auto d = std::int64_t{config.head_width}, key_width = config.key_value_heads * d;
  for (std::int64_t b = 0; b < input.keys.count(); ++b) {
    const auto tq = input.queries.length(b), tk = input.keys.length(b);
    for (std::int64_t h = 0; h < config.heads; ++h) {
      const auto kv_head = h * config.key_value_heads / config.heads;
      for (std::int64_t i = 0; i < tq; ++i) {
        const double* q = input.q.row(input.queries.begin[b] + i) + h * d;
        std::vector<double> weight(static_cast<std::size_t>(tk));
        double total = 0;
        for (std::int64_t j = 0; j < tk; ++j) {
          const double* k = input.kv.row(input.keys.begin[b] + j) + kv_head * d;
          double score = 0;
          for (std::int64_t c = 0; c < d; ++c) score += q[c] * k[c];
          score = score * config.attention_scale + (bias.empty() ? 0 : bias.data()[(h * tq + i) * tk + j]);
          const bool masked = config.mask == AttentionMask::causal && j > i + tk - tq;
          total += weight[static_cast<std::size_t>(j)] = masked ? 0 : std::exp(score);
        }
        for (std::int64_t c = 0; c < d; ++c) {
          double sum = 0;
          for (std::int64_t j = 0; j < tk; ++j) {
            sum += weight[static_cast<std::size_t>(j)] / total *
                   input.kv.row(input.keys.begin[b] + j)[key_width + kv_head * d + c];
          }
          y.row(input.queries.begin[b] + i)[h * d + c] = sum;
        }
      }
    }
  }
  return y;
}

// The lecture's numbers: q.k = 112 and 96 with d_k = 64 become 14 and 12, and the softmax weighs 0.88 and
// 0.12.
TEST(Attention, WeighsValuesAsInTheLecture) {
  const auto config = heads_of(1, 1, 64);
  auto q = Tensor<double>::zeros({1, 64});
  auto kv = Tensor<double>::zeros({2, 128});
  q.row(0)[0] = 1;
  kv.row(0)[0] = 112;
  kv.row(1)[0] = 96;
  kv.row(0)[64] = 1;  // the first value is 1, the second 0: the result is the first weight
  const Sequences queries = Sequences::equal(1, 1), keys = Sequences::equal(1, 2);
  Pass<double> pass;
  const auto y = attention<double>({q, kv, queries, keys}, config, pass);
  EXPECT_DOUBLE_EQ(config.attention_scale * 112, 14);
  EXPECT_NEAR(y.row(0)[0], 0.88, 0.005);
  EXPECT_NEAR(1 - y.row(0)[0], 0.12, 0.005);
  EXPECT_NEAR(y.row(0)[0], 1 / (1 + std::exp(-2.0)), 1e-12);
}

struct Case {
  const char* name;
  int heads, key_value_heads, head_width;
  AttentionMask mask;
  std::vector<std::int64_t> query_lengths, key_lengths;
};

class AttentionCases : public ::testing::TestWithParam<Case> {};

TEST_P(AttentionCases, EqualsTheDefinition) {
  const auto& c = GetParam();
  auto config = heads_of(c.heads, c.key_value_heads, c.head_width);
  config.mask = c.mask;
  Sequences queries, keys;
  for (const auto length : c.query_lengths) queries.append(length);
  for (const auto length : c.key_lengths) keys.append(length);
  const auto q = random_tensor<float>({queries.rows(), c.heads * c.head_width}, 1);
  const auto kv = random_tensor<float>({keys.rows(), 2 * c.key_value_heads * c.head_width}, 2);
  const auto expected =
      attention_by_definition({testing::widened(q), testing::widened(kv), queries, keys}, config, {});
  for (const auto workers : {Workers::one, Workers::all}) {
    Pass<float> pass;
    pass.workers = workers;
    EXPECT_LT(difference(attention<float>({q, kv, queries, keys}, config, pass), expected), 2e-6);
  }
  Pass<double> pass;
  const auto y = attention<double>({testing::widened(q), testing::widened(kv), queries, keys}, config, pass);
  EXPECT_LT(difference(y, expected), 1e-13);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, AttentionCases,
    ::testing::Values(Case{"Self", 3, 3, 16, AttentionMask::none, {7, 7}, {7, 7}},
                      Case{"Causal", 2, 2, 8, AttentionMask::causal, {1, 5, 17}, {1, 5, 17}},
                      Case{"LastQueryOnly", 2, 2, 8, AttentionMask::causal, {1, 1}, {9, 4}},
                      Case{"Cross", 4, 4, 8, AttentionMask::none, {3, 6}, {11, 2}},
                      Case{"Grouped", 6, 2, 8, AttentionMask::causal, {5}, {5}},
                      Case{"ManyTokens", 2, 2, 64, AttentionMask::none, {197}, {197}}),
    [](const auto& c) { return c.param.name; });

TEST(Attention, AddsABias) {
  const auto config = heads_of(2, 2, 4);
  const auto sequences = Sequences::equal(1, 3);
  const auto q = random_tensor<double>({3, 8}, 1), kv = random_tensor<double>({3, 16}, 2);
  Pass<double> pass;
  pass.attention_bias = random_tensor<double>({2, 3, 3}, 3);
  const auto y = attention<double>({q, kv, sequences, sequences}, config, pass);
  EXPECT_LT(
      difference(y, attention_by_definition({q, kv, sequences, sequences}, config, pass.attention_bias)),
      1e-13);
}

TEST(Attention, RefusesWhatDoesNotFit) {
  const auto config = heads_of(2, 2, 4);
  const auto three = Sequences::equal(1, 3), two = Sequences::equal(1, 2);
  Pass<float> pass;
  const auto run = [&](const Tensor<float>& q, const Tensor<float>& kv, const Sequences& queries,
                       const Sequences& keys, AttentionMask mask) {
    auto masked = config;
    masked.mask = mask;
    return attention<float>({q, kv, queries, keys}, masked, pass);
  };
  const auto q = random_tensor<float>({3, 8}, 1), kv = random_tensor<float>({3, 16}, 2);
  testing::expect_error(ErrorCode::invalid_argument, "do not fit the heads", [&] {
    run(random_tensor<float>({3, 7}, 1), kv, three, three, AttentionMask::none);
  });
  testing::expect_error(ErrorCode::invalid_argument, "do not fit the heads", [&] {
    run(q, random_tensor<float>({3, 15}, 1), three, three, AttentionMask::none);
  });
  testing::expect_error(ErrorCode::invalid_argument, "the rows do not fit the sequences",
                        [&] { run(q, kv, two, three, AttentionMask::none); });
  testing::expect_error(ErrorCode::invalid_argument, "more queries than keys under a causal mask",
                        [&] { run(q, kv.slice(0, 2), three, two, AttentionMask::causal); });
  EXPECT_NO_THROW(run(q, kv.slice(0, 2), three, two, AttentionMask::none));
}

}  // namespace
}  // namespace beeld
