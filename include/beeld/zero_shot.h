#pragma once

#include <beeld/model.h>

namespace beeld {

/// A label, its score (probability) and the logit behind it.
struct LabelScore {
  std::string label;
  float score = 0;
  float logit = 0;
};

/// Classifies pictures by texts: every label is the mean of its prompts' unit embeddings (CLIP,
/// section 3.1.4).
class ZeroShot {
 public:
  /// `templates` hold `{}` where the label goes; without templates the label itself is the prompt.
  /// Throws Error: invalid_argument for no labels, a template without `{}` or prompts without a direction
  /// (zeros, infinities or opposites), unsupported for a model that embeds no texts.
  ZeroShot(const Model& model, std::vector<std::string> labels, std::vector<std::string> templates = {});

  /// Logits `[N,K]` of unit image embeddings `[N,D]`.
  Matrix logits(const Matrix& images) const;

  /// Labels in falling order of score for one row of logits.
  std::vector<LabelScore> rank(std::span<const float> logits) const;

  const Matrix& label_embeddings() const { return embeddings_; }  ///< [K,D], unit length

 private:
  std::vector<std::string> labels_;
  Matrix embeddings_;
  Scoring scoring_;
  float logit_scale_;
  float logit_bias_;
};

/// Scores from logits: softmax over them, or each one's sigmoid.
std::vector<float> scores_of(std::span<const float> logits, Scoring scoring);

}  // namespace beeld
