#pragma once

#include <beeld/zero_shot.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "multimodal/evaluation/retrieval.h"

namespace beeld {

struct EvaluationOptions {
  std::size_t batch = 64;                            ///< Pictures in memory together.
  std::function<void(std::size_t images)> progress;  ///< Pictures done so far; may be empty, may throw.
};

/// A sample that could not be used, and why.
struct SkippedSample {
  std::filesystem::path shard;
  std::string key;
  std::string reason;
};

struct ZeroShotResult {
  std::size_t images = 0;   ///< Pictures counted.
  std::size_t classes = 0;  ///< K
  double top1 = 0;          ///< percent
  double top5 = 0;
  std::vector<SkippedSample> skipped;
};

struct RetrievalResult {
  std::size_t images = 0;
  std::size_t texts = 0;
  Recall text_to_image;
  Recall image_to_text;
  std::vector<SkippedSample> skipped;
};

/// Accuracy of zero-shot classification on WebDataset shards with a `.cls` for each picture.
///
/// Pictures are decoded as the reference implementations do, ignoring EXIF orientation. Samples without a
/// readable picture or a class below `classes` are skipped. Throws Error: as ShardReader, or
/// invalid_argument where no sample could be used.
ZeroShotResult evaluate_zero_shot(const Model& model, const ZeroShot& classifier,
                                  const std::vector<std::filesystem::path>& shards,
                                  const EvaluationOptions& options = {});

/// Recall of retrieval in both directions on WebDataset shards with a `.txt` for each picture; every line of
/// it is a query of its own. Samples without a readable picture or a caption are skipped.
/// Throws as evaluate_zero_shot, and Error(unsupported) where the model has no text tower.
RetrievalResult evaluate_retrieval(const Model& model, const std::vector<std::filesystem::path>& shards,
                                   const EvaluationOptions& options = {});

}  // namespace beeld
