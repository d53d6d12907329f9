#include <beeld/error.h>
#include <beeld/zero_shot.h>

#include "multimodal/search/prompts.h"
#include "multimodal/search/ranking.h"

namespace beeld {

ZeroShot::ZeroShot(const Model& model, std::vector<std::string> labels, std::vector<std::string> templates)
    : labels_(std::move(labels)),
      scoring_(model.info().scoring),
      logit_scale_(model.info().logit_scale),
      logit_bias_(model.info().logit_bias) {
  if (labels_.empty()) throw Error(ErrorCode::invalid_argument, "[zero-shot] no labels");
  embeddings_ = embed_by_prompts(
      [&](std::span<const std::string> texts) { return model.encode_texts(texts); }, labels_, templates);
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
  return rank_labels(labels_, logits, scoring_);
}

}  // namespace beeld
