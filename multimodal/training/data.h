#pragma once

#include <beeld/image.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "multimodal/evaluation/evaluate.h"
#include "multimodal/training/shard_cache.h"
#include "vision/preprocess/augment.h"

namespace beeld {

/// One of the sets of images that a run learns from.
struct TrainingSource {
  std::string name;                             ///< For messages.
  std::vector<std::filesystem::path> shards{};  ///< WebDataset, .tar or .tar.gz.
  double weight = 1;                            ///< Its share of every batch, relative to the other sources'.
  std::filesystem::path classes{};              ///< Class file for samples with a KEY.cls; may be empty.
  std::vector<std::string> templates{};  ///< "a photo of a {}.", filled with a name of the class; none: "{}".
  Augmentation augmentation{};
};

/// An image and its sentence, as one step of learning sees them.
struct TrainingSample {
  std::string key;
  std::size_t source = 0;
  SamplePlace place{};      ///< In its source.
  Image image{};            ///< RGB, edge x edge, augmented.
  std::string text;         ///< One of its captions; with classes, a template with one of the names.
  std::int64_t label = -1;  ///< The class index in KEY.cls, if any.
};

/// How far a source has been read.
struct SourcePosition {
  std::int64_t epoch = 0;
  std::size_t group = 0;   ///< Of shards, in this epoch's order.
  std::size_t sample = 0;  ///< In the group's order.
  double owed = 0;         ///< Samples by which its part of the batches so far falls short of its share.
};

/// Where a run stands between two batches. An empty list of sources is the beginning.
struct TrainingPosition {
  std::int64_t batch = 0;  ///< Of the next batch; the first is 0.
  std::vector<SourcePosition> sources{};
};

/// A batch, and where the run stands after it.
struct TrainingBatch {
  std::vector<TrainingSample> samples;
  std::vector<SkippedSample> skipped;  ///< Found unusable while the batch was made.
  TrainingPosition after;
};

/// From a batch on, images have this edge.
struct EdgeStep {
  std::int64_t batch = 0;
  int edge = 0;
};

struct TrainingDataOptions {
  int batch = 256;                                 ///< Samples in a batch.
  int edge = 64;                                   ///< Of the square images, in pixels,
  std::vector<EdgeStep> edges{};                   ///< until a step is reached; in ascending order.
  std::uint64_t seed = 0;                          ///< Everything random follows from it.
  int shards_at_once = 8;                          ///< Of a source: their samples are shuffled together.
  std::size_t cache_bytes = std::size_t{1} << 30;  ///< Decoded images kept in memory between epochs.
  int prefetch = 2;  ///< Batches made ahead, on another thread; 0 makes each when it is asked for.
};

/// How many batches to make ahead on this machine: two where the steps leave a core free. Where they keep all
/// of them busy, another thread would only take turns with them and hold up one of many, so that a batch is
/// made by all threads when it is asked for.
int batches_ahead();

/// The batches of a training run: an endless stream, in which every source has its share.
///
/// An epoch of a source visits each of its samples once: shards in random order, `shards_at_once` of them
/// together in memory, their samples shuffled. Batch number b follows from the sources and the options (but
/// for the cache and the prefetch), whatever the timing and wherever a run was resumed. Inside a batch the
/// sources follow each other in order.
///
/// Images are decoded as evaluation does, shrunk where their shorter side is more than twice the largest
/// edge, and kept up to `cache_bytes`: once all of a shard's images are there, its file is not read again.
///
/// A sample without an image that can be decoded, without a caption, or whose class is not in the class
/// file is skipped. One thread at a time may call an object.
class TrainingData {
 public:
  /// Throws Error: invalid_argument (a setting out of its range, or a position that belongs to other
  /// sources), and as read_class_names.
  TrainingData(std::vector<TrainingSource> sources, const TrainingDataOptions& options,
               const TrainingPosition& position = {});
  ~TrainingData();
  TrainingData(const TrainingData&) = delete;
  TrainingData& operator=(const TrainingData&) = delete;

  /// The next batch, of exactly `batch` samples. A sample is named as skipped once, by the batch that it was
  /// missing from first.
  ///
  /// Throws Error: as ShardReader, or corrupt where a source has no usable sample, where a shard changed
  /// between two readings, or where the position names a place that does not exist. After an error every
  /// further call throws it again.
  TrainingBatch next();

  /// Where the batch that next() will return begins: a new object resumed there goes on in the same way.
  const TrainingPosition& position() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace beeld
