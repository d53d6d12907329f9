#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "multimodal/training/captions.h"
#include "multimodal/training/data.h"
#include "multimodal/training/source_stream.h"

namespace beeld {

/// Makes the batches of a run one after the other.
class BatchMaker {
 public:
  /// Throws as TrainingData's constructor.
  BatchMaker(std::vector<TrainingSource> sources, const TrainingDataOptions& options,
             const TrainingPosition& position);

  /// Throws as TrainingData::next.
  TrainingBatch make();

  TrainingPosition position() const;

 private:
  struct Source {
    TrainingSource settings;
    CaptionChoice captions;
    SourceStream stream;
  };

  std::vector<std::size_t> shares();
  void fill(std::size_t source, std::size_t count, TrainingBatch& batch);
  std::string prepare(Source& source, const Visit& visit, TrainingSample& sample) const;
  Image decoded(const Sample& sample) const;
  void keep_or_drop(CachedSample& cached);
  int edge() const;

  TrainingDataOptions options_;
  std::vector<Source> sources_;
  double total_weight_ = 0;
  int kept_edge_ = 0;           ///< The shorter side above which decoded images are shrunk.
  std::size_t cache_left_ = 0;  ///< bytes
  std::int64_t batch_ = 0;
};

}  // namespace beeld
