#include "multimodal/evaluation/retrieval.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "tests/support/expect_error.h"

namespace beeld {
namespace {

Matrix matrix(std::size_t columns, const std::vector<float>& values) {
  Matrix result(values.size() / columns, columns);
  result.values = values;
  return result;
}

TEST(RankOf, CountsWhatIsBetter) {
  const std::vector<float> scores{0.1F, 0.9F, 0.5F, 0.5F};
  EXPECT_EQ(rank_of(scores, 1), 0U);
  EXPECT_EQ(rank_of(scores, 2), 1U);
  EXPECT_EQ(rank_of(scores, 3), 2U) << "equal scores rank in row order";
  EXPECT_EQ(rank_of(scores, 0), 3U);
}

TEST(RankOf, NotANumberIsLast) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> scores{nan, 0.5F};
  EXPECT_GT(rank_of(scores, 0), 1U);
  EXPECT_EQ(rank_of(scores, 1), 0U);
}

TEST(RetrievalRecall, ACaseWorkedByHand) {
  // Two pictures along the axes, three texts. Text 1 belongs to picture 0, but points to picture 1.
  const auto images = matrix(2, {1, 0, 0, 1});
  const auto texts = matrix(2, {0.8F, 0.6F, 0.6F, 0.8F, 0.28F, 0.96F});
  const std::vector<std::size_t> image_of{0, 0, 1};
  const auto recall = retrieval_recall(texts, images, image_of);
  EXPECT_NEAR(recall.text_to_image.at1, 200.0 / 3, 1e-9);
  EXPECT_EQ(recall.text_to_image.at5, 100);
  EXPECT_EQ(recall.image_to_text.at1, 100) << "any of a picture's texts counts";
}

TEST(RetrievalRecall, AgreesWithSortingEverything) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  Matrix images(70, 8);
  Matrix texts(333, 8);
  std::vector<std::size_t> image_of(texts.rows);
  for (float& value : images.values) value = normal(random);
  for (std::size_t text = 0; text < texts.rows; ++text) {
    image_of[text] = random() % images.rows;
    for (std::size_t i = 0; i < 8; ++i) texts[text][i] = images[image_of[text]][i] + 1.5F * normal(random);
  }
  normalize_rows(images);
  normalize_rows(texts);
  const auto recall = retrieval_recall(texts, images, image_of);

  const auto best = [](const Matrix& queries, const Matrix& candidates, std::size_t query, std::size_t k) {
    std::vector<std::size_t> order(candidates.rows);
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::stable_sort(order, std::ranges::greater{},
                             [&](std::size_t i) { return dot(queries[query], candidates[i]); });
    order.resize(k);
    return order;
  };
  for (const auto& [k, t2i, i2t] : {std::tuple(1, recall.text_to_image.at1, recall.image_to_text.at1),
                                    std::tuple(5, recall.text_to_image.at5, recall.image_to_text.at5),
                                    std::tuple(10, recall.text_to_image.at10, recall.image_to_text.at10)}) {
    int text_hits = 0;
    for (std::size_t text = 0; text < texts.rows; ++text) {
      const auto found = best(texts, images, text, k);
      text_hits += std::ranges::find(found, image_of[text]) != found.end() ? 1 : 0;
    }
    int image_hits = 0;
    for (std::size_t image = 0; image < images.rows; ++image) {
      image_hits += std::ranges::any_of(best(images, texts, image, k),
                                        [&](std::size_t text) { return image_of[text] == image; })
                        ? 1
                        : 0;
    }
    EXPECT_NEAR(t2i, 100.0 * text_hits / 333, 1e-9) << k;
    EXPECT_NEAR(i2t, 100.0 * image_hits / 70, 1e-9) << k;
    EXPECT_GT(t2i, 0);
    EXPECT_LT(t2i, 100);
  }
}

TEST(RetrievalRecall, EqualCaptionsOfTwoPicturesRankInOrder) {
  const auto images = matrix(2, {1, 0, 1, 0});
  const auto texts = matrix(2, {1, 0, 1, 0});
  const auto recall = retrieval_recall(texts, images, std::vector<std::size_t>{0, 1});
  EXPECT_EQ(recall.text_to_image.at1, 50);
  EXPECT_EQ(recall.image_to_text.at1, 50);
  EXPECT_EQ(recall.image_to_text.at5, 100);
}

TEST(RetrievalRecall, EmbeddingsThatAreNoNumbersNeverHit) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto recall = retrieval_recall(matrix(2, {nan, nan}), matrix(2, {1, 0}), std::vector<std::size_t>{0});
  EXPECT_EQ(recall.text_to_image.at10, 0);
  EXPECT_EQ(recall.image_to_text.at10, 0);
}

TEST(RetrievalRecall, RefusesShapesThatDoNotAgree) {
  const auto two = matrix(2, {1, 0, 0, 1});
  testing::expect_error(ErrorCode::invalid_argument,
                        "each of 2 texts, and rows of equal length; got 1 pictures",
                        [&] { retrieval_recall(two, two, std::vector<std::size_t>{0}); });
  testing::expect_error(ErrorCode::invalid_argument, "got 2 pictures of 2", [&] {
    retrieval_recall(two, two, std::vector<std::size_t>{0, 2});
  });
  testing::expect_error(ErrorCode::invalid_argument, "lengths 1 and 2", [&] {
    retrieval_recall(matrix(1, {1, 1}), two, std::vector<std::size_t>{0, 1});
  });
}

}  // namespace
}  // namespace beeld
