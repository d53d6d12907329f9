#include "multimodal/training/shard_cache.h"

#include <beeld/error.h>

#include <algorithm>

namespace beeld {

namespace {

bool is_settled(const CachedSample& cached) { return cached.unusable || !cached.image.samples.empty(); }

[[noreturn]] void changed(const std::filesystem::path& path) {
  throw Error(ErrorCode::corrupt,
              "[training data] " + path.string() + ": expected the same samples as at the first reading");
}

}  // namespace

ShardCache::ShardCache(std::vector<std::filesystem::path> shards)
    : paths_(std::move(shards)), shards_(paths_.size()) {}

std::size_t ShardCache::open(std::size_t shard) {
  const auto& [known, samples] = shards_[shard];
  if (!known || !std::ranges::all_of(samples, is_settled)) read(shard);
  return samples.size();
}

void ShardCache::read(std::size_t shard) {
  auto& [known, samples] = shards_[shard];
  ShardReader reader({paths_[shard]});
  std::size_t count = 0;
  while (auto read = reader.next()) {
    if (!known) {
      const bool unusable = rejected_.contains({shard, count});
      if (unusable) read->image = {};
      samples.push_back({std::move(*read), {}, unusable});
    } else if (count == samples.size() || samples[count].sample.key != read->key) {
      changed(paths_[shard]);
    } else if (!is_settled(samples[count])) {
      samples[count].sample.image = std::move(read->image);
    }
    ++count;
  }
  if (count != samples.size()) changed(paths_[shard]);
  known = true;
}

void ShardCache::close(std::size_t shard) {
  auto& samples = shards_[shard].samples;
  const bool any_kept =
      std::ranges::any_of(samples, [](const CachedSample& cached) { return !cached.image.samples.empty(); });
  if (!any_kept) {
    shards_[shard] = {};
    return;
  }
  for (auto& cached : samples) cached.sample.image = {};
}

void ShardCache::reject(SamplePlace place) {
  auto& cached = at(place);
  cached.unusable = true;
  cached.sample.image = {};
  cached.image = {};
  rejected_.insert(place);
}

}  // namespace beeld
