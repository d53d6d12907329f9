#include <beeld/error.h>
#include <beeld/zero_shot.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/ops/softmax.h"
#include "multimodal/search/prompt_template.h"

namespace beeld {

ZeroShot::ZeroShot(const Model& model, std::vector<std::string> labels, std::vector<std::string> templates)
    : labels_(std::move(labels)),
      scoring_(model.info().scoring),
      logit_scale_(model.info().logit_scale),
      logit_bias_(model.info().logit_bias) {
  if (labels_.empty()) throw Error(ErrorCode::invalid_argument, "[zero-shot] no labels");
  if (templates.empty()) templates = {"{}"};
  std::vector<std::string> prompts;
  for (const auto& label : labels_) {
    for (const auto& pattern : templates) prompts.push_back(fill_template(pattern, label));
  }
  auto rows = model.encode_texts(prompts);  // [K*templates, D]
  normalize_rows(rows);
  embeddings_ = Matrix(labels_.size(), rows.columns);
  for (std::size_t i = 0; i < rows.rows; ++i) {
    auto mean = embeddings_[i / templates.size()];
    std::transform(mean.begin(), mean.end(), rows[i].begin(), mean.begin(), std::plus<>());
  }
  normalize_rows(embeddings_);
}

Matrix ZeroShot::logits(const Matrix& images) const {
  if (images.columns != embeddings_.columns) {
    throw Error(ErrorCode::invalid_argument, "[zero-shot] embeddings of " + std::to_string(images.columns) +
                                                 " values; the labels have " +
                                                 std::to_string(embeddings_.columns));
  }
  Matrix result(images.rows, labels_.size());
  for (std::size_t i = 0; i < images.rows; ++i) {
    for (std::size_t k = 0; k < labels_.size(); ++k) {
      result[i][k] = logit_scale_ * dot(images[i], embeddings_[k]) + logit_bias_;
    }
  }
  return result;
}

std::vector<LabelScore> ZeroShot::rank(std::span<const float> logits) const {
  if (logits.size() != labels_.size()) {
    throw Error(ErrorCode::invalid_argument, "[zero-shot] " + std::to_string(logits.size()) + " logits for " +
                                                 std::to_string(labels_.size()) + " labels");
  }
  const auto scores = scores_of(logits, scoring_);
  std::vector<LabelScore> ranked;
  for (std::size_t k = 0; k < labels_.size(); ++k) ranked.push_back({labels_[k], scores[k], logits[k]});
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
