// What encoders of Hugging Face's make of padding, positions and pooling.
#include "text/model/encoder.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/ops/activation.h"
#include "core/ops/rows.h"
#include "tests/support/expect_error.h"
#include "tests/support/random_weights.h"

namespace beeld {
namespace {

using testing::difference;
using testing::random_tensor;

constexpr std::int64_t width = 16, vocabulary = 30, context = 8, pad = 1;

TextTower<double> random_encoder(PositionRule rule, TextPool pool) {
  TextTower<double> tower;
  auto& config = tower.config;
  config.vocabulary = vocabulary;
  config.context_length = context;
  config.block.width = width;
  config.block.mlp_width = 24;
  config.block.norm_place = NormPlace::post;
  set_heads(config.block, 2);
  config.final_norm = FinalNorm::absent;
  config.pool = pool;
  config.pad_id = pad;
  config.position_rule = rule;
  tower.tokens = random_tensor<double>({vocabulary, width}, 1);
  tower.positions = random_tensor<double>({context + pad + 1, width}, 2);
  tower.encoder = testing::random_transformer<double>(config.block, 2);
  return tower;
}

Tensor<double> encode_one(const TextTower<double>& tower, std::vector<std::int32_t> ids) {
  const std::vector<std::vector<std::int32_t>> texts{std::move(ids)};
  Pass<double> pass;
  return encode<double>(tower, texts, pass);
}

std::vector<std::int64_t> places_of(const TextTower<double>& tower, std::vector<std::int32_t> ids) {
  const std::vector<std::vector<std::int32_t>> texts{std::move(ids)};
  return read_texts(tower.config, texts, WantedRows::all).places;
}

TEST(EncoderPositions, BeginBehindThePaddingAndLeaveItOut) {
  auto tower = random_encoder(PositionRule::behind_padding, TextPool::mean);
  EXPECT_EQ(places_of(tower, {0, 7, pad, 9}), (std::vector<std::int64_t>{2, 3, pad, 4}));
  tower.config.pads = PadTokens::masked;
  EXPECT_EQ(places_of(tower, {0, 7, pad, 9}), (std::vector<std::int64_t>{2, 3, 4}));
  tower.config.position_rule = PositionRule::index;
  EXPECT_EQ(places_of(tower, {0, 7, pad, 9}), (std::vector<std::int64_t>{0, 1, 3}));
}

// Masked padding, wherever it stands, is as if it were not there.
TEST(EncoderPadding, ChangesNothingWhereItIsMasked) {
  for (const auto pool : {TextPool::first, TextPool::mean, TextPool::max}) {
    auto tower = random_encoder(PositionRule::behind_padding, pool);
    tower.config.pads = PadTokens::masked;
    const auto expected = encode_one(tower, {0, 7, 9, 2});
    EXPECT_LT(difference(encode_one(tower, {0, 7, 9, 2, pad, pad}), expected), 1e-12);
    EXPECT_LT(difference(encode_one(tower, {0, pad, 7, 9, 2}), expected), 1e-12);
    tower.config.pads = PadTokens::read;
    EXPECT_GT(difference(encode_one(tower, {0, 7, 9, 2, pad, pad}), expected), 1e-3);
  }
}

TEST(EncoderPooling, IsThatOfAllHiddenStates) {
  for (const auto pool : {TextPool::mean, TextPool::max}) {
    const auto tower = random_encoder(PositionRule::index, pool);
    const std::vector<std::vector<std::int32_t>> texts{{0, 7, 9, 2}, {5, 6}};
    Pass<double> pass;
    const auto states = hidden_states<double>(tower, texts, pass);
    const auto all = pool == TextPool::mean ? mean_rows(states.rows, states.tokens.sequences, 0, pass)
                                            : max_rows(states.rows, states.tokens.sequences, 0, pass);
    EXPECT_LT(difference(encode<double>(tower, texts, pass), all), 1e-12);
  }
}

TEST(EncoderHead, GoesLayerByLayerAndMayEndAtLengthOne) {
  auto tower = random_encoder(PositionRule::index, TextPool::first);
  Pass<double> pass;
  const auto pooled = encode_one(tower, {0, 7, 9});
  const auto first = testing::random_linear<double>({6, width}, 31);
  const auto second = testing::random_linear<double>({5, 6}, 33, Bias::absent);
  tower.head = {{first, Activation::tanh}, {second, Activation::identity}};
  EXPECT_EQ(tower.embedding_width(), 5);
  const auto by_hand = linear(linear(pooled, first, pass, Activation::tanh), second, pass);
  EXPECT_LT(difference(encode_one(tower, {0, 7, 9}), by_hand), 1e-12);
  tower.config.embedding_length = EmbeddingLength::one;
  EXPECT_LT(difference(encode_one(tower, {0, 7, 9}), l2_normalize(by_hand, pass)), 1e-12);
}

TEST(EncoderNames, AreKnownWithTheirOwnersAndInAnyCase) {
  const auto weights = WeightReader::blank();
  EXPECT_EQ(encoder_named("FacebookAI/xlm-roberta-base", weights, "").kind, EncoderKind::roberta);
  EXPECT_EQ(encoder_named("xlm-roberta-large", weights, "").block.norm_eps, 1e-5);
  EXPECT_EQ(encoder_named("roberta-base", weights, "").pad_id, 1);
  EXPECT_EQ(encoder_named("sentence-transformers/LaBSE", weights, "").block.norm_eps, 1e-12);
  EXPECT_EQ(encoder_named("hfl/chinese-roberta-wwm-ext", weights, "").kind, EncoderKind::bert);
  EXPECT_EQ(encoder_named("google/mt5-base", weights, "").block.norm, NormKind::rms);
  for (const auto* other : {"microsoft/deberta-v3-base", "albert-base-v2", ""}) {
    testing::expect_error(ErrorCode::unsupported, "known are names that begin with xlm-roberta-",
                          [&] { encoder_named(other, weights, ""); });
  }
}

}  // namespace
}  // namespace beeld
