#include "multimodal/training/shelf.h"

#include <beeld/error.h>

#include <algorithm>

#include "multimodal/data/shards.h"

namespace beeld {

namespace {

bool is_settled(const ShelfSample& sample) { return sample.unusable || !sample.picture.samples.empty(); }

[[noreturn]] void changed(const std::filesystem::path& path) {
  throw Error(ErrorCode::corrupt,
              "[training data] " + path.string() + ": expected the same samples as at the first reading");
}

}  // namespace

ShardShelf::ShardShelf(std::vector<std::filesystem::path> shards)
    : paths_(std::move(shards)), shards_(paths_.size()) {}

std::size_t ShardShelf::open(std::size_t shard) {
  const auto& [known, samples] = shards_[shard];
  if (!known || !std::ranges::all_of(samples, is_settled)) read(shard);
  return samples.size();
}

void ShardShelf::read(std::size_t shard) {
  auto& [known, samples] = shards_[shard];
  ShardReader reader({paths_[shard]});
  std::size_t count = 0;
  while (auto read = reader.next()) {
    if (!known) {
      auto& added = samples.emplace_back();
      added.key = std::move(read->key);
      added.words = {std::move(read->captions), read->label};
      added.unusable = rejected_.contains({shard, count});
    } else if (count == samples.size() || samples[count].key != read->key) {
      changed(paths_[shard]);
    }
    if (!is_settled(samples[count])) samples[count].file = std::move(read->picture);
    ++count;
  }
  if (count != samples.size()) changed(paths_[shard]);
  known = true;
}

void ShardShelf::close(std::size_t shard) {
  auto& samples = shards_[shard].samples;
  const bool any_kept =
      std::ranges::any_of(samples, [](const auto& s) { return !s.picture.samples.empty(); });
  if (!any_kept) {
    shards_[shard] = {};
    return;
  }
  for (auto& sample : samples) sample.file = {};
}

void ShardShelf::keep(ShelfPlace place, Image picture) {
  auto& sample = shards_[place.shard].samples[place.sample];
  sample.picture = std::move(picture);
  sample.file = {};
}

void ShardShelf::reject(ShelfPlace place) {
  auto& sample = shards_[place.shard].samples[place.sample];
  sample.unusable = true;
  sample.file = {};
  rejected_.insert(place);
}

}  // namespace beeld
