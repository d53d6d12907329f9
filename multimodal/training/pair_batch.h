#pragma once

#include <cstdint>
#include <span>

#include "multimodal/training/data.h"
#include "multimodal/training/learner.h"

namespace beeld {

struct PatchChoice {
  double dropped = 0;      ///< part of every picture's patches that is left out (FLIP, Li et al. 2023)
  std::uint64_t seed = 0;  ///< of the choice
};

/// Samples as the towers of a model read them: pictures to pixels, texts to tokens, pairs of one class or
/// with the same words in one group. Without a teacher's embeddings.
PairBatch make_pair_batch(std::span<const TrainingSample> samples, const ModelParts& state,
                          const PatchChoice& choice = {});

}  // namespace beeld
