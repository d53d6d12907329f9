#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "multimodal/training/data.h"
#include "multimodal/training/shard_cache.h"

namespace beeld {

/// One turn of a sample: where it lies, and the seed of everything random about it.
struct Visit {
  SamplePlace place;
  std::uint64_t seed = 0;
};

struct StreamOptions {
  std::string name;        ///< For messages.
  std::uint64_t seed = 0;  ///< Of this source.
  std::size_t shards_at_once = 1;
};

/// The endless order in which the samples of one source come: epoch by epoch each of them once.
class SourceStream {
 public:
  SourceStream(std::vector<std::filesystem::path> shards, StreamOptions options, const SourcePosition& start);

  /// The next visits: at least one, at most `count`, and all at hand until the next call. Samples known to
  /// be unusable are passed over. Throws Error: as ShardCache::open, or corrupt where a whole epoch had no
  /// usable sample, or where the position is not in the source.
  std::vector<Visit> draw(std::size_t count);

  /// Says that a visit's sample was usable.
  void used() { any_used_ = true; }

  ShardCache& cache() { return cache_; }

  SourcePosition position;

 private:
  void order_shards();
  std::vector<std::size_t> group_shards() const;
  void open_group();
  void leave_group();

  ShardCache cache_;
  StreamOptions options_;
  std::vector<std::size_t> shard_order_;  ///< Of this epoch.
  std::vector<SamplePlace> group_;        ///< The open group's samples in order.
  bool open_ = false;
  bool whole_epoch_;  ///< This epoch is seen from its beginning.
  bool any_used_ = false;
};

}  // namespace beeld
