#include "multimodal/search/ranking.h"

#include <beeld/error.h>

#include <algorithm>
#include <cmath>

#include "core/ops/softmax.h"

namespace beeld {

std::vector<LabelScore> rank_labels(std::span<const std::string> labels, std::span<const float> logits,
                                    Scoring scoring) {
  if (logits.size() != labels.size()) {
    throw Error(ErrorCode::invalid_argument, "[rank] expected " + std::to_string(labels.size()) +
                                                 " logits, one for each label, got " +
                                                 std::to_string(logits.size()));
  }
  const auto scores = scores_of(logits, scoring);
  std::vector<LabelScore> ranked;
  for (std::size_t k = 0; k < labels.size(); ++k) ranked.push_back({labels[k], scores[k], logits[k]});
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const LabelScore& a, const LabelScore& b) { return a.logit > b.logit; });
  return ranked;
}

std::vector<float> scores_of(std::span<const float> logits, Scoring scoring) {
  std::vector<float> scores(logits.begin(), logits.end());
  if (scores.empty()) return scores;
  if (scoring == Scoring::softmax) {
    softmax(scores.data(), static_cast<std::int64_t>(scores.size()));
  } else {
    std::transform(scores.begin(), scores.end(), scores.begin(),
                   [](float logit) { return 1 / (1 + std::exp(-logit)); });
  }
  return scores;
}

}  // namespace beeld
