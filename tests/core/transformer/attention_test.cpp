#include "core/transformer/attention.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "tests/support/central_differences.h"
#include "tests/support/expect_error.h"
#include "tests/support/random.h"

namespace beeld {
namespace {

using testing::difference;
using testing::random_tensor;

AttentionConfig heads_of(int heads, int key_value_heads, int head_width) {
  BlockConfig block;
  block.width = heads * head_width;
  set_heads(block, heads);
  block.attention.key_value_heads = key_value_heads;
  return block.attention;
}

/// Equation 1 of the paper, one number at a time.
Tensor<double> attention_by_definition(const QueriesKeysValues<double>& input,
                                       const AttentionConfig& config) {
  Tensor<double> y(input.q.shape());
  const auto d = std::int64_t{config.head_width}, key_width = config.key_value_heads * d;
  for (std::int64_t b = 0; b < input.keys.count(); ++b) {
    const auto &queries = input.queries[b], &keys = input.keys[b];
    const auto tq = queries.length, tk = keys.length;
    for (std::int64_t h = 0; h < config.heads; ++h) {
      const auto kv_head = h * config.key_value_heads / config.heads;
      for (std::int64_t i = 0; i < tq; ++i) {
        const double* q = input.q.row(queries.begin + i) + h * d;
        std::vector<double> weight(static_cast<std::size_t>(tk));
        double total = 0;
        for (std::int64_t j = 0; j < tk; ++j) {
          const double* k = input.kv.row(keys.begin + j) + kv_head * d;
          double score = 0;
          for (std::int64_t c = 0; c < d; ++c) score += q[c] * k[c];
          const auto distance = keys.first + j - (queries.first + i);
          score *= config.scale;
          if (!input.bias.empty()) score += input.bias.values.row(h)[distance - input.bias.lowest];
          const bool masked = config.mask == AttentionMask::causal && distance > 0;
          total += weight[static_cast<std::size_t>(j)] = masked ? 0 : std::exp(score);
        }
        for (std::int64_t c = 0; c < d; ++c) {
          double sum = 0;
          for (std::int64_t j = 0; j < tk; ++j) {
            sum += weight[static_cast<std::size_t>(j)] / total *
                   input.kv.row(keys.begin + j)[key_width + kv_head * d + c];
          }
          y.row(queries.begin + i)[h * d + c] = sum;
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
  EXPECT_DOUBLE_EQ(config.scale * 112, 14);
  EXPECT_NEAR(y.row(0)[0], 0.88, 0.005);
  EXPECT_NEAR(1 - y.row(0)[0], 0.12, 0.005);
  EXPECT_NEAR(y.row(0)[0], 1 / (1 + std::exp(-2.0)), 1e-12);
}

struct Case {
  const char* name;
  int heads, key_value_heads, head_width;
  AttentionMask mask;
  std::vector<std::int64_t> query_lengths, key_lengths;
  std::int64_t behind = 0;  // keys that stand behind the last query under a causal mask
};

class AttentionCases : public ::testing::TestWithParam<Case> {};

TEST_P(AttentionCases, EqualsTheDefinition) {
  const auto& c = GetParam();
  auto config = heads_of(c.heads, c.key_value_heads, c.head_width);
  config.mask = c.mask;
  Sequences queries, keys;
  for (std::size_t b = 0; b < c.key_lengths.size(); ++b) {
    const bool causal = c.mask == AttentionMask::causal;
    queries.append(c.query_lengths[b], causal ? 40 + c.key_lengths[b] - c.query_lengths[b] - c.behind : 40);
    keys.append(c.key_lengths[b], 40);
  }
  const auto q = random_tensor<float>({queries.rows(), c.heads * c.head_width}, 1);
  const auto kv = random_tensor<float>({keys.rows(), 2 * c.key_value_heads * c.head_width}, 2);
  const auto expected =
      attention_by_definition({testing::widened(q), testing::widened(kv), queries, keys}, config);
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
                      Case{"QueriesInTheMiddle", 2, 2, 8, AttentionMask::causal, {2, 1}, {9, 4}, 3},
                      Case{"Cross", 4, 4, 8, AttentionMask::none, {3, 6}, {11, 2}},
                      Case{"Grouped", 6, 2, 8, AttentionMask::causal, {5}, {5}},
                      Case{"GroupedSingleQueries", 6, 2, 8, AttentionMask::causal, {1, 3, 1}, {5, 3, 9}},
                      Case{"ManyTokens", 2, 2, 64, AttentionMask::none, {197}, {197}}),
    [](const auto& c) { return c.param.name; });

TEST(Attention, AddsABiasByDistance) {
  auto config = heads_of(4, 2, 4);
  Sequences queries, keys;
  queries.append(3, 5);
  queries.append(1, 4);
  keys.append(8);
  keys.append(3, 2);
  const auto q = random_tensor<double>({4, 16}, 1), kv = random_tensor<double>({11, 16}, 2);
  const DistanceBias<double> bias{random_tensor<double>({4, 12}, 3), -8};
  for (const auto mask : {AttentionMask::none, AttentionMask::causal}) {
    config.mask = mask;
    Pass<double> pass;
    const auto y = attention<double>({q, kv, queries, keys, bias}, config, pass);
    EXPECT_LT(difference(y, attention_by_definition({q, kv, queries, keys, bias}, config)), 1e-13);
  }
}

TEST(Attention, ReadsKeysThatSequencesShare) {
  const auto config = heads_of(2, 2, 4);
  const std::vector<std::int64_t> parents{1, 0, 1};
  Sequences keys;
  keys.append(3);
  keys.append(2);
  const auto shared = keys.gather(parents), queries = Sequences::equal(3, 2);
  const auto q = random_tensor<double>({6, 8}, 1), kv = random_tensor<double>({5, 16}, 2);
  Pass<double> pass;
  const auto y = attention<double>({q, kv, queries, shared}, config, pass);
  EXPECT_LT(difference(y, attention_by_definition({q, kv, queries, shared}, config)), 1e-13);
  testing::expect_gradients(testing::Checked<double>().add("kv", kv), [&](Pass<double>& again) {
    return attention<double>({q, kv, queries, shared}, config, again);
  });
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
  testing::expect_error(ErrorCode::invalid_argument,
                        "queries at positions 0 to 2 under a causal mask, but keys from 0 to 1",
                        [&] { run(q, kv.slice(0, 2), three, two, AttentionMask::causal); });
  EXPECT_NO_THROW(run(q, kv.slice(0, 2), three, two, AttentionMask::none));
  Sequences early, late;
  early.append(3, -1);
  late.append(3, 1);
  for (const auto& [elsewhere, part] : {std::pair(early, "queries at positions -1 to 1 under a causal mask"),
                                        std::pair(late, "queries at positions 1 to 3 under a causal mask")}) {
    testing::expect_error(ErrorCode::invalid_argument, part,
                          [&] { run(q, kv, elsewhere, three, AttentionMask::causal); });
  }
  const DistanceBias<float> narrow{random_tensor<float>({2, 4}, 3), -2},
      few{random_tensor<float>({1, 5}, 3), -2};
  for (const auto& [bias, part] :
       {std::pair(narrow, "a bias of [2,4] from distance -2 for distances from -2 to 2"),
        std::pair(few, "a bias of [1,5] from distance -2")}) {
    testing::expect_error(ErrorCode::invalid_argument, part, [&] {
      attention<float>({q, kv, three, three, bias}, config, pass);
    });
  }
}

}  // namespace
}  // namespace beeld
