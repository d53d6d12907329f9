#include "multimodal/evaluation/retrieval.h"

#include <beeld/error.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "core/base/parallel.h"
#include "core/kernels/product.h"

namespace beeld {

namespace {

/// Texts scored together, [block,N] scores at a time.
constexpr std::size_t block_rows = 64;

constexpr auto unranked = std::numeric_limits<std::size_t>::max();

/// Whether a score at `row` ranks before the answer's, which lies at `answer_row`.
bool ranks_before(float score, std::size_t row, float answer, std::size_t answer_row) {
  return score > answer || (score == answer && row < answer_row);
}

/// Calls visit(text, scores [N]) for every text, side by side. Two walks see equal scores.
template <typename Visit>
void walk_scores(const Matrix& texts, const Matrix& images, Visit visit) {
  const auto blocks = (texts.rows + block_rows - 1) / block_rows;
  parallel_for(static_cast<std::int64_t>(blocks), 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scores(block_rows * images.rows);
    for (auto block = static_cast<std::size_t>(begin); block < static_cast<std::size_t>(end); ++block) {
      const auto first = block * block_rows;
      const auto count = std::min(block_rows, texts.rows - first);
      const auto stride = static_cast<std::int64_t>(texts.columns);
      const ProductShape shape{static_cast<std::int64_t>(count), static_cast<std::int64_t>(images.rows),
                               stride};
      product<float>(shape, {}, {texts[first].data(), stride},
                     {images.values.data(), stride, Layout::transposed}, {scores.data(), shape.n});
      for (std::size_t i = 0; i < count; ++i) {
        visit(first + i, std::span<const float>(scores).subspan(i * images.rows, images.rows));
      }
    }
  });
}

/// Of ranks; those without a rank are misses.
Recall recall_of(std::span<const std::size_t> ranks) {
  if (ranks.empty()) return {};
  const auto percent = [&](std::size_t k) {
    const auto hits = std::ranges::count_if(ranks, [k](std::size_t rank) { return rank < k; });
    return 100.0 * static_cast<double>(hits) / static_cast<double>(ranks.size());
  };
  return {percent(1), percent(5), percent(10)};
}

void check(const Matrix& texts, const Matrix& images, std::span<const std::size_t> image_of) {
  const bool mapped = std::ranges::all_of(image_of, [&](std::size_t image) { return image < images.rows; });
  if (image_of.size() != texts.rows || texts.columns != images.columns || !mapped) {
    throw Error(ErrorCode::invalid_argument,
                "[retrieval] expected a picture for each of " + std::to_string(texts.rows) +
                    " texts, and rows of equal length; got " + std::to_string(image_of.size()) +
                    " pictures of " + std::to_string(images.rows) + ", and lengths " +
                    std::to_string(texts.columns) + " and " + std::to_string(images.columns));
  }
}

}  // namespace

std::size_t rank_of(std::span<const float> scores, std::size_t answer) {
  const float wanted = scores[answer];
  if (std::isnan(wanted)) return unranked;
  std::size_t rank = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) rank += ranks_before(scores[i], i, wanted, answer) ? 1 : 0;
  return rank;
}

RetrievalRecall retrieval_recall(const Matrix& texts, const Matrix& images,
                                 std::span<const std::size_t> image_of) {
  check(texts, images, image_of);

  // First walk: where each text finds its picture, and the score of the pair.
  std::vector<std::size_t> text_ranks(texts.rows);
  std::vector<float> pair_scores(texts.rows);
  walk_scores(texts, images, [&](std::size_t text, std::span<const float> scores) {
    text_ranks[text] = rank_of(scores, image_of[text]);
    pair_scores[text] = scores[image_of[text]];
  });

  // A picture's rank is that of its best text.
  std::vector<std::size_t> best_text(images.rows, unranked);
  for (std::size_t text = 0; text < texts.rows; ++text) {
    auto& best = best_text[image_of[text]];
    if (std::isnan(pair_scores[text])) continue;
    if (best == unranked || pair_scores[text] > pair_scores[best]) best = text;
  }

  // Second walk: how many texts a picture ranks before its best one.
  std::vector<std::atomic<std::size_t>> before(images.rows);
  walk_scores(texts, images, [&](std::size_t text, std::span<const float> scores) {
    for (std::size_t image = 0; image < images.rows; ++image) {
      const auto best = best_text[image];
      if (best == unranked) continue;
      if (ranks_before(scores[image], text, pair_scores[best], best)) {
        before[image].fetch_add(1, std::memory_order_relaxed);
      }
    }
  });
  std::vector<std::size_t> image_ranks(images.rows);
  for (std::size_t image = 0; image < images.rows; ++image) {
    image_ranks[image] = best_text[image] == unranked ? unranked : before[image].load();
  }
  return {recall_of(text_ranks), recall_of(image_ranks)};
}

}  // namespace beeld
