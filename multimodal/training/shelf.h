#pragma once

#include <beeld/image.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "multimodal/training/captions.h"

namespace beeld {

/// A sample of a shard that is at hand: its picture either decoded or still as a file.
struct ShelfSample {
  std::string key;
  SampleWords words;
  std::vector<std::uint8_t> file;  ///< Encoded; empty where `picture` is there.
  Image picture;                   ///< Decoded RGB, empty until it is kept.
  bool unusable = false;
};

/// Where a sample lies in its source.
struct ShelfPlace {
  std::size_t shard = 0;
  std::size_t sample = 0;

  friend bool operator<(const ShelfPlace& a, const ShelfPlace& b) {
    return std::tie(a.shard, a.sample) < std::tie(b.shard, b.sample);
  }
};

/// The shards of one source: opened for a while, and those of their pictures that were kept for good.
class ShardShelf {
 public:
  explicit ShardShelf(std::vector<std::filesystem::path> shards);

  std::size_t shards() const { return paths_.size(); }
  const std::filesystem::path& path(std::size_t shard) const { return paths_[shard]; }

  /// Brings a shard's samples to hand and returns their number. Its file is read unless every picture was
  /// kept. Throws Error: as ShardReader, and corrupt where the file's samples are not the former ones.
  std::size_t open(std::size_t shard);

  /// Lets go of all of a shard but the kept pictures.
  void close(std::size_t shard);

  const ShelfSample& at(ShelfPlace place) const { return shards_[place.shard].samples[place.sample]; }

  /// Keeps a sample's decoded picture in place of its file.
  void keep(ShelfPlace place, Image picture);

  /// Remembers that a sample cannot be used.
  void reject(ShelfPlace place);

 private:
  struct Shard {
    bool known = false;  ///< `samples` lists all of them.
    std::vector<ShelfSample> samples;
  };

  void read(std::size_t shard);

  std::vector<std::filesystem::path> paths_;
  std::vector<Shard> shards_;
  std::set<ShelfPlace> rejected_;
};

}  // namespace beeld
