#include "multimodal/training/source_stream.h"

#include <beeld/error.h>

#include <algorithm>
#include <numeric>

#include "core/base/random.h"

namespace beeld {

namespace {

/// Tells apart what is drawn from one seed.
enum class Purpose : std::uint64_t { shards, samples, visit };

[[noreturn]] void fail(const std::string& name, const std::string& fact) {
  throw Error(ErrorCode::corrupt, "[training data] source " + name + ": " + fact);
}

}  // namespace

SourceStream::SourceStream(std::vector<std::filesystem::path> shards, StreamOptions options,
                           const SourcePosition& start)
    : position(start),
      cache_(std::move(shards)),
      options_(std::move(options)),
      whole_epoch_(start.group == 0 && start.sample == 0) {
  order_shards();
}

void SourceStream::order_shards() {
  shard_order_.resize(cache_.shards());
  std::iota(shard_order_.begin(), shard_order_.end(), std::size_t{0});
  Random random(mix(options_.seed, Purpose::shards, position.epoch));
  shuffle(shard_order_, random);
}

std::vector<std::size_t> SourceStream::group_shards() const {
  const auto size = shard_order_.size();
  const auto begin = position.group > size / options_.shards_at_once
                         ? size
                         : std::min(position.group * options_.shards_at_once, size);
  const auto end = begin + std::min(options_.shards_at_once, size - begin);
  return {shard_order_.begin() + static_cast<std::ptrdiff_t>(begin),
          shard_order_.begin() + static_cast<std::ptrdiff_t>(end)};
}

void SourceStream::open_group() {
  const auto shards = group_shards();
  if (shards.empty()) fail(options_.name, "group " + std::to_string(position.group) + " does not exist");
  for (const auto shard : shards) {
    const auto samples = cache_.open(shard);
    for (std::size_t i = 0; i < samples; ++i) group_.push_back({shard, i});
  }
  if (position.sample > group_.size()) {
    fail(options_.name, "expected at least " + std::to_string(position.sample) + " samples in group " +
                            std::to_string(position.group) + ", got " + std::to_string(group_.size()));
  }
  Random random(mix(options_.seed, Purpose::samples, position.epoch, position.group));
  shuffle(group_, random);
  open_ = true;
}

void SourceStream::leave_group() {
  for (const auto shard : group_shards()) cache_.close(shard);
  group_.clear();
  open_ = false;
  ++position.group;
  position.sample = 0;
  if (!group_shards().empty()) return;

  if (whole_epoch_ && !any_used_) {
    fail(options_.name,
         "expected a usable sample in " + std::to_string(cache_.shards()) + " shards, got none");
  }
  whole_epoch_ = true;
  any_used_ = false;
  position.group = 0;
  ++position.epoch;
  order_shards();
}

std::vector<Visit> SourceStream::draw(std::size_t count) {
  std::vector<Visit> visits;
  while (visits.empty()) {
    if (!open_) open_group();
    while (visits.size() < count && position.sample < group_.size()) {
      const auto place = group_[position.sample++];
      if (cache_.at(place).unusable) continue;
      visits.push_back(
          {place, mix(options_.seed, Purpose::visit, position.epoch, place.shard, place.sample)});
    }
    if (visits.empty()) leave_group();
  }
  return visits;
}

}  // namespace beeld
