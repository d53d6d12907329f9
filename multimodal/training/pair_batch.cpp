#include "multimodal/training/pair_batch.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "core/base/parallel.h"
#include "core/base/random.h"

namespace beeld {

namespace {

/// The places of the patches that stay, ascending: a random choice of fixed size (FLIP, Li et al. 2023).
std::vector<std::int32_t> kept_patches(int places, double dropped, Random random) {
  std::vector<std::int32_t> all(static_cast<std::size_t>(places));
  for (int i = 0; i < places; ++i) all[static_cast<std::size_t>(i)] = i;
  shuffle(all, random);
  all.resize(static_cast<std::size_t>(std::max(1.0, std::round(places * (1 - dropped)))));
  std::sort(all.begin(), all.end());
  return all;
}

/// Pairs of one class, or with the same words, describe each other.
std::vector<std::int64_t> groups_of(std::span<const TrainingSample> samples) {
  std::map<std::string, std::int64_t> found;
  std::vector<std::int64_t> groups;
  for (const auto& sample : samples) {
    const auto name = sample.label >= 0 ? std::to_string(sample.source) + "/" + std::to_string(sample.label)
                                        : "text: " + sample.text;
    groups.push_back(found.try_emplace(name, static_cast<std::int64_t>(found.size())).first->second);
  }
  return groups;
}

}  // namespace

PairBatch make_pair_batch(std::span<const TrainingSample> samples, const ModelParts& state,
                          const PatchChoice& choice) {
  // Augmentation has already brought the pictures to their size.
  auto plain = state.preprocess;
  plain.resize_rule = ResizeRule::none;
  plain.crop_rule = CropRule::none;

  PairBatch batch;
  batch.groups = groups_of(samples);
  batch.images.resize(samples.size());
  if (choice.dropped > 0) batch.kept.resize(samples.size());
  constexpr std::int64_t at_once = 32;
  parallel_for(static_cast<std::int64_t>(samples.size()), at_once, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      batch.images[i] = preprocess(samples[i].image, plain);
      if (choice.dropped == 0) continue;
      const auto grid = grid_of(batch.images[i], state.vision.config.patch);
      batch.kept[i] =
          kept_patches(grid.rows * grid.columns, choice.dropped, Random(mix(choice.seed, std::uint64_t{i})));
    }
  });
  for (const auto& sample : samples) batch.texts.push_back(state.tokenizer->encode(sample.text));
  return batch;
}

}  // namespace beeld
