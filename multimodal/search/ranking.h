#pragma once

#include <beeld/zero_shot.h>

#include <span>
#include <string>
#include <vector>

namespace beeld {

/// Labels in falling order of score, by one row of logits [K]; those of equal score in the order of `labels`.
/// Throws Error(invalid_argument) where there is not a logit for each label.
std::vector<LabelScore> rank_labels(std::span<const std::string> labels, std::span<const float> logits,
                                    Scoring scoring);

}  // namespace beeld
