#include "text/model/tower.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include "tests/support/expect_error.h"
#include "tests/support/random_weights.h"

namespace beeld {
namespace {

using testing::difference;
using testing::random_tensor;

constexpr std::int64_t width = 16, vocabulary = 30, context = 12;
constexpr std::int32_t end_id = 29;

TextTower<double> random_tower(AttentionMask mask, TextPool pool) {
  TextTower<double> tower;
  auto& config = tower.config;
  config.vocabulary = vocabulary;
  config.context_length = context;
  config.block.width = width;
  config.block.mlp_width = 32;
  config.block.attention.mask = mask;
  set_heads(config.block, 2);
  config.pool = pool;
  config.end_id = end_id;
  tower.tokens = random_tensor<double>({vocabulary, width}, 1);
  tower.positions = random_tensor<double>({context, width}, 2);
  tower.encoder = testing::random_transformer<double>(config.block, 3);
  tower.final_norm = testing::random_norm<double>(config.block, 7);
  tower.projection = testing::random_linear<double>({8, width}, 9);
  return tower;
}

Tensor<double> encode_one(const TextTower<double>& tower, std::vector<std::int32_t> ids) {
  const std::vector<std::vector<std::int32_t>> texts{std::move(ids)};
  Pass<double> pass;
  return encode<double>(tower, texts, pass);
}

// The reference pads every text and reads all of it. Under a causal mask the end token cannot see what
// follows.
TEST(TextTower, StopsAtTheEndTokenWithoutChangingTheResult) {
  const auto tower = random_tower(AttentionMask::causal, TextPool::end_token);
  const std::vector<std::int32_t> ids{28, 3, 5, end_id};
  auto padded = ids;
  padded.resize(context, 0);
  EXPECT_LT(difference(encode_one(tower, ids), encode_one(tower, padded)), 1e-12);
}

TEST(TextTower, ReadsThePaddingThatEveryTokenSees) {
  auto tower = random_tower(AttentionMask::none, TextPool::last);
  const auto without = encode_one(tower, std::vector<std::int32_t>(context, 4));
  tower.config.padding = TextPadding::to_context;
  tower.config.pad_id = 4;
  EXPECT_LT(difference(encode_one(tower, {4, 4}), without), 1e-12);
  tower.config.pad_id = 5;
  EXPECT_GT(difference(encode_one(tower, {4, 4}), without), 1e-3);
}

TEST(TextTower, PoolsWhereItIsTold) {
  const std::vector<std::int32_t> ids{1, end_id, 3, end_id, 2};
  auto cut = ids;
  const auto pooled_at = [&](TextPool pool) {
    return encode_one(random_tower(AttentionMask::causal, pool), ids);
  };
  cut.resize(2);  // the first end token, which is also the largest id
  const auto expected = encode_one(random_tower(AttentionMask::causal, TextPool::end_token), cut);
  EXPECT_LT(difference(pooled_at(TextPool::end_token), expected), 1e-12);
  EXPECT_LT(difference(pooled_at(TextPool::largest_id), expected), 1e-12);
  cut.resize(1);
  EXPECT_LT(difference(pooled_at(TextPool::first),
                       encode_one(random_tower(AttentionMask::causal, TextPool::first), cut)),
            1e-12);
}

TEST(TextTower, GivesEachTextOfABatchItsOwnResult) {
  const std::vector<std::vector<std::int32_t>> texts{{28, 1, end_id}, {28, 2, 3, 4, 5, end_id}, {end_id}};
  for (const auto mask : {AttentionMask::causal, AttentionMask::none}) {
    const auto tower = random_tower(mask, TextPool::end_token);
    Pass<double> pass;
    const auto rows = encode<double>(tower, texts, pass);
    for (std::int64_t b = 0; b < 3; ++b) {
      EXPECT_LT(difference(rows.slice(b, b + 1), encode_one(tower, texts[static_cast<std::size_t>(b)])),
                1e-12);
    }
  }
}

// States of every token, pooled and projected, are what is computed of one row alone.
TEST(TextTower, PoolsAndProjectsHiddenStatesToTheEmbedding) {
  const std::vector<std::vector<std::int32_t>> texts{{1, end_id, 3, 28, 2}, {4, 5, end_id}, {end_id}};
  for (const auto mask : {AttentionMask::causal, AttentionMask::none}) {
    for (const auto pool_at : {TextPool::first, TextPool::last, TextPool::end_token, TextPool::largest_id}) {
      for (const auto padding : {TextPadding::none, TextPadding::to_context}) {
        auto tower = random_tower(mask, pool_at);
        tower.config.padding = padding;
        Pass<double> pass;
        const auto states = hidden_states<double>(tower, texts, pass);
        const auto& tokens = states.tokens;
        ASSERT_EQ(states.rows.shape(), (Shape{static_cast<std::int64_t>(tokens.ids.size()), width}));
        const bool padded = padding == TextPadding::to_context || pool_at == TextPool::last;
        for (std::int64_t b = 0; b < 3; ++b) {
          auto ids = texts[static_cast<std::size_t>(b)];
          if (padded) ids.resize(context, 0);
          const auto& rows = tokens.sequences[b];
          EXPECT_EQ(
              (std::vector<std::int32_t>(tokens.ids.begin() + rows.begin, tokens.ids.begin() + rows.end())),
              ids);
        }
        const auto embedding = project(tower, pool(tower, states.rows, tokens, pass), pass);
        EXPECT_LT(difference(embedding, encode<double>(tower, texts, pass)), 1e-12);
      }
    }
  }
}

TEST(TextTower, NormsEveryHiddenState) {
  auto tower = random_tower(AttentionMask::causal, TextPool::end_token);
  const std::vector<std::vector<std::int32_t>> texts{{1, 2, end_id, 3}};
  Pass<double> pass;
  const auto normed = hidden_states<double>(tower, texts, pass);
  tower.config.final_norm = FinalNorm::absent;
  const auto bare = hidden_states<double>(tower, texts, pass);
  EXPECT_GT(difference(normed.rows, bare.rows), 1e-2);
  EXPECT_LT(difference(normed.rows, norm(bare.rows, tower.final_norm, pass)), 1e-12);
}

TEST(TextTower, RefusesWhatItCannotRead) {
  const auto tower = random_tower(AttentionMask::causal, TextPool::end_token);
  testing::expect_error(ErrorCode::invalid_argument, "a text of 0 tokens; the model reads 1 to",
                        [&] { encode_one(tower, {}); });
  testing::expect_error(ErrorCode::invalid_argument, "tokens; the model reads 1 to",
                        [&] { encode_one(tower, std::vector<std::int32_t>(context + 1, 1)); });
  testing::expect_error(ErrorCode::invalid_argument, "[gather] row ", [&] {
    encode_one(tower, {vocabulary, end_id});
  });
  testing::expect_error(ErrorCode::invalid_argument, "[gather] row -1 of a table", [&] {
    encode_one(tower, {-1, end_id});
  });
}

}  // namespace
}  // namespace beeld
