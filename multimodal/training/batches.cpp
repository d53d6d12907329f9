#include "multimodal/training/batches.h"

#include <beeld/error.h>

#include <algorithm>
#include <cmath>

#include "core/base/parallel.h"
#include "vision/preprocess/resample.h"

namespace beeld {

namespace {

constexpr int max_edge = 1 << 12;
constexpr int max_batch = 1 << 20;
constexpr int max_prefetch = 1 << 10;
constexpr std::int64_t max_count = std::int64_t{1} << 53;
constexpr std::int64_t samples_a_task = 4;
constexpr std::size_t visits_at_once = 64;  // Bounds the decoded pictures in flight.

void require(bool right, const std::string& what, const std::string& expected, const std::string& got) {
  if (!right)
    throw Error(ErrorCode::invalid_argument,
                "[training data] " + what + ": expected " + expected + ", got " + got);
}

void require_between(const std::string& what, std::int64_t value, std::int64_t low, std::int64_t high) {
  require(value >= low && value <= high, what, std::to_string(low) + " to " + std::to_string(high),
          std::to_string(value));
}

void check(const TrainingDataOptions& options) {
  require_between("batch", options.batch, 1, max_batch);
  require_between("edge", options.edge, 1, max_edge);
  require_between("shards_at_once", options.shards_at_once, 1, INT32_MAX);
  require_between("prefetch", options.prefetch, 0, max_prefetch);
  std::int64_t before = -1;
  for (const auto& [batch, edge] : options.edges) {
    require_between("edges: batch of a step", batch, before + 1, INT64_MAX);
    require_between("edges: edge of a step", edge, 1, max_edge);
    before = batch;
  }
}

void check(const TrainingSource& source) {
  require(!source.shards.empty(), "source " + source.name, "at least one shard", "none");
  require(source.weight > 0 && std::isfinite(source.weight), "source " + source.name, "a weight above 0",
          std::to_string(source.weight));
  check_augmentation(source.augmentation);
}

void check(const TrainingPosition& position, std::size_t sources) {
  require_between("position: batch", position.batch, 0, max_count);
  if (position.sources.empty() && position.batch == 0) return;
  require(position.sources.size() == sources, "position", std::to_string(sources) + " sources",
          std::to_string(position.sources.size()));
  for (const auto& source : position.sources) {
    require_between("position: epoch", source.epoch, 0, max_count);
    require(std::abs(source.owed) <= static_cast<double>(sources), "position",
            "at most " + std::to_string(sources) + " samples owed", std::to_string(source.owed));
  }
}

}  // namespace

BatchMaker::BatchMaker(std::vector<TrainingSource> sources, const TrainingDataOptions& options,
                       const TrainingPosition& position)
    : options_(options), cache_left_(options.cache_bytes), batch_(position.batch) {
  require(!sources.empty(), "sources", "at least one", "none");
  check(options);
  check(position, sources.size());
  for (std::size_t i = 0; i < sources.size(); ++i) {
    auto& source = sources[i];
    check(source);
    total_weight_ += source.weight;
    CaptionChoice captions(source.classes, source.templates);
    SourceStream stream(source.shards,
                        {source.name, mix(options.seed, i), static_cast<std::size_t>(options.shards_at_once)},
                        position.sources.empty() ? SourcePosition{} : position.sources[i]);
    sources_.push_back({std::move(source), std::move(captions), std::move(stream)});
  }
  int largest = options.edge;
  for (const auto& step : options.edges) largest = std::max(largest, step.edge);
  kept_edge_ = 2 * largest;
}

TrainingPosition BatchMaker::position() const {
  TrainingPosition position{batch_, {}};
  for (const auto& source : sources_) position.sources.push_back(source.stream.position);
  return position;
}

int BatchMaker::edge() const {
  int edge = options_.edge;
  for (const auto& step : options_.edges)
    if (step.batch <= batch_) edge = step.edge;
  return edge;
}

/// Samples of each source in this batch: one by one from the source that is owed most.
std::vector<std::size_t> BatchMaker::shares() {
  std::vector<std::size_t> shares(sources_.size());
  for (int i = 0; i < options_.batch; ++i) {
    std::size_t most = 0;
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      sources_[s].stream.position.owed += sources_[s].settings.weight / total_weight_;
      if (sources_[s].stream.position.owed > sources_[most].stream.position.owed) most = s;
    }
    sources_[most].stream.position.owed -= 1;
    ++shares[most];
  }
  return shares;
}

TrainingBatch BatchMaker::make() {
  TrainingBatch batch;
  batch.samples.reserve(static_cast<std::size_t>(options_.batch));
  const auto counts = shares();
  for (std::size_t source = 0; source < sources_.size(); ++source) fill(source, counts[source], batch);
  ++batch_;
  batch.after = position();
  return batch;
}

/// Adds `count` samples of a source; those that turn out unusable are replaced by the source's next ones.
void BatchMaker::fill(std::size_t source, std::size_t count, TrainingBatch& batch) {
  auto& stream = sources_[source].stream;
  while (count > 0) {
    const auto visits = stream.draw(std::min(count, visits_at_once));
    std::vector<TrainingSample> samples(visits.size());
    std::vector<std::string> failures(visits.size());
    parallel_for(static_cast<std::int64_t>(visits.size()), samples_a_task,
                 [&](std::int64_t begin, std::int64_t end) {
                   for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
                     failures[i] = prepare(sources_[source], visits[i], samples[i]);
                 });

    for (std::size_t i = 0; i < visits.size(); ++i) {
      auto& cached = stream.cache().at(visits[i].place);
      if (!failures[i].empty()) {
        batch.skipped.push_back({cached.sample.shard, cached.sample.key, std::move(failures[i])});
        stream.cache().reject(visits[i].place);
        continue;
      }
      stream.used();
      keep_or_drop(cached);
      samples[i].source = source;
      batch.samples.push_back(std::move(samples[i]));
      --count;
    }
  }
}

/// Fills in the sample of a visit. Returns why it cannot be used, or nothing.
std::string BatchMaker::prepare(Source& source, const Visit& visit, TrainingSample& sample) const {
  auto& cached = source.stream.cache().at(visit.place);
  if (!cached.sample.problem.empty()) return cached.sample.problem;
  if (const char* lack = source.captions.lack(cached.sample)) return lack;
  if (cached.image.samples.empty()) {
    try {
      cached.image = decoded(cached.sample);
    } catch (const Error& error) {
      return error.what();
    }
  }
  Random random(visit.seed);
  sample.key = cached.sample.key;
  sample.place = visit.place;
  sample.label = cached.sample.label.value_or(-1);
  sample.text = source.captions.choose(cached.sample, random);
  sample.image = random_view(cached.image, source.settings.augmentation, edge(), random);
  return {};
}

/// An image that has just been decoded stays where there is room for it.
void BatchMaker::keep_or_drop(CachedSample& cached) {
  auto& encoded = cached.sample.image;
  if (encoded.empty()) return;  // it was kept before
  const auto bytes = cached.image.samples.size();
  if (bytes > cache_left_) {
    cached.image = {};
    return;
  }
  cache_left_ -= bytes;
  encoded = {};
}

Image BatchMaker::decoded(const Sample& sample) const {
  if (sample.image.empty()) throw Error(ErrorCode::not_found, "no picture");
  const DecodeOptions as_evaluated{
      .orientation = Orientation::ignore, .decoding = Decoding::fast, .target_edge = kept_edge_};
  auto image = to_rgb(decode_image(sample.image, as_evaluated, sample.key));
  const auto shorter = std::min(image.width, image.height);
  if (shorter <= kept_edge_) return image;
  const auto scaled = [&](std::int64_t side) { return (side * kept_edge_ + shorter / 2) / shorter; };
  return resample(image, {scaled(image.height), scaled(image.width)}, Filter::bicubic);
}

}  // namespace beeld
