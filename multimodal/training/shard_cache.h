#pragma once

#include <beeld/image.h>

#include <cstddef>
#include <filesystem>
#include <set>
#include <tuple>
#include <vector>

#include "multimodal/data/shards.h"

namespace beeld {

/// A sample that is at hand: as its shard has it, or with its image decoded in place of the encoded file.
struct CachedSample {
  Sample sample;
  Image image;  ///< RGB; empty until it is decoded.
  bool unusable = false;
};

/// Where a sample lies in its source.
struct SamplePlace {
  std::size_t shard = 0;
  std::size_t sample = 0;

  friend bool operator<(const SamplePlace& a, const SamplePlace& b) {
    return std::tie(a.shard, a.sample) < std::tie(b.shard, b.sample);
  }
};

/// The shards of one source: opened for a while, and those of their images that were kept for good.
class ShardCache {
 public:
  explicit ShardCache(std::vector<std::filesystem::path> shards);

  std::size_t shards() const { return paths_.size(); }

  /// Brings a shard's samples to hand and returns their number. Its file is read unless every image was
  /// kept. Throws Error: as ShardReader, and corrupt where the file's samples are not the former ones.
  std::size_t open(std::size_t shard);

  /// Lets go of all of a shard but the kept images.
  void close(std::size_t shard);

  /// A sample of an open shard. Different samples may be changed by different threads.
  CachedSample& at(SamplePlace place) { return shards_[place.shard].samples[place.sample]; }
  const CachedSample& at(SamplePlace place) const { return shards_[place.shard].samples[place.sample]; }

  /// Remembers that a sample cannot be used.
  void reject(SamplePlace place);

 private:
  struct Shard {
    bool known = false;  ///< `samples` lists all of them.
    std::vector<CachedSample> samples;
  };

  void read(std::size_t shard);

  std::vector<std::filesystem::path> paths_;
  std::vector<Shard> shards_;
  std::set<SamplePlace> rejected_;
};

}  // namespace beeld
