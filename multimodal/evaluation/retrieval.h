#pragma once

#include <beeld/matrix.h>

#include <cstddef>
#include <span>
#include <vector>

namespace beeld {

/// Shares of queries whose answer is among the best k, in percent.
struct Recall {
  double at1 = 0;
  double at5 = 0;
  double at10 = 0;
};

struct RetrievalRecall {
  Recall text_to_image;  ///< The answer to a text is its picture.
  Recall image_to_text;  ///< A picture is answered by any of its texts.
};

/// Recall in both directions from unit embeddings of texts `[T,D]` and images `[N,D]`; `image_of` `[T]` is
/// the row of each text's picture. Equal scores rank in row order; a score that is not a number ranks last.
/// Throws Error(invalid_argument) for shapes that do not agree.
RetrievalRecall retrieval_recall(const Matrix& texts, const Matrix& images,
                                 std::span<const std::size_t> image_of);

/// The place of `answer` among the scores, 0 being the best, under the same rules.
std::size_t rank_of(std::span<const float> scores, std::size_t answer);

}  // namespace beeld
