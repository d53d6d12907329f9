#include "multimodal/search/prompts.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <cmath>

#include "multimodal/search/ranking.h"
#include "tests/support/expect_error.h"

namespace beeld::testing {

/// "x" and "y" point along an axis, "-x" away from "x", anything else nowhere; longer texts have longer rows.
Matrix encode(std::span<const std::string> texts) {
  Matrix rows(texts.size(), 2);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const float length = static_cast<float>(texts[i].size()) * (texts[i].front() == '-' ? -1.0F : 1.0F);
    if (texts[i].back() == 'x') rows[i][0] = length;
    if (texts[i].back() == 'y') rows[i][1] = length;
  }
  return rows;
}

TEST(Prompts, ATemplateTakesTheTextInItsFirstPlace) {
  EXPECT_EQ(fill_template("a {} of {}", "dog"), "a dog of {}");
  expect_error(ErrorCode::invalid_argument, "expected {} in every template, got \"a dog\"",
               [] { fill_template("a dog", "cat"); });
}

// CLIP, section 3.1.4: the mean of unit rows counts every prompt the same, however long its row is.
TEST(Prompts, ATextIsTheMeanOfItsPromptsUnitEmbeddings) {
  const std::vector<std::string> texts = {"x", "y"};
  const auto rows = embed_by_prompts(encode, texts, {"{}", "some {}", "{} and a y"});
  ASSERT_EQ(rows.rows, 2u);
  EXPECT_FLOAT_EQ(rows[0][0], 2 / std::sqrt(5.0F));
  EXPECT_FLOAT_EQ(rows[0][1], 1 / std::sqrt(5.0F));
  EXPECT_FLOAT_EQ(rows[1][0], 0);
  EXPECT_FLOAT_EQ(rows[1][1], 1);
  EXPECT_EQ(embed_by_prompts(encode, texts, {}).values, (std::vector<float>{1, 0, 0, 1}));
}

TEST(Prompts, WhatHasNoDirectionIsRefused) {
  const std::vector<std::string> texts = {"x", "dog"};
  expect_error(ErrorCode::invalid_argument, "zeros or infinities for 'a dog'",
               [&] { embed_by_prompts(encode, texts, {"a {}"}); });
  expect_error(ErrorCode::invalid_argument, "the prompts of 'x' cancel each other", [&] {
    embed_by_prompts(encode, std::span(texts).first(1), {"{}", "-{}"});
  });
}

TEST(RankLabels, FallByScoreAndTiesKeepTheirOrder) {
  const std::vector<std::string> labels = {"a", "b", "c"};
  const std::vector<float> logits = {0, std::log(2.0F), 0};
  const auto ranked = rank_labels(labels, logits, Scoring::softmax);
  ASSERT_EQ(ranked.size(), 3u);
  EXPECT_EQ(ranked[0].label + ranked[1].label + ranked[2].label, "bac");
  EXPECT_FLOAT_EQ(ranked[0].score, 0.5F);
  EXPECT_FLOAT_EQ(ranked[1].score, 0.25F);
  EXPECT_EQ(ranked[0].logit, logits[1]);
  EXPECT_FLOAT_EQ(rank_labels(labels, logits, Scoring::sigmoid)[0].score, 2.0F / 3);
  expect_error(ErrorCode::invalid_argument, "expected 3 logits, one for each label, got 2",
               [&] { rank_labels(labels, std::span(logits).first(2), Scoring::softmax); });
}

}  // namespace beeld::testing
