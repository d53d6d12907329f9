#include "multimodal/training/data.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "core/base/files.h"
#include "core/base/parallel.h"
#include "multimodal/training/position.h"
#include "tests/multimodal/training/training_fixture.h"
#include "tests/support/expect_error.h"
#include "vision/preprocess/resample.h"

namespace beeld {
namespace {

using testing::content;
using testing::keys;
using testing::TrainingDataTest;

TEST_F(TrainingDataTest, VisitsEverySampleOnceAnEpoch) {
  for (const int shards_at_once : {1, 2, 3, 8}) {
    TrainingData data({{.name = "all", .shards = three_shards()}},
                      {.batch = 4, .edge = 8, .seed = 3, .shards_at_once = shards_at_once});
    std::set<std::vector<std::string>> orders;
    for (int epoch = 0; epoch < 5; ++epoch) {
      auto order = keys(data, 4);
      orders.insert(order);
      std::ranges::sort(order);
      EXPECT_EQ(std::set(order.begin(), order.end()).size(), 16u) << "epoch " << epoch;
    }
    EXPECT_EQ(orders.size(), 5u) << "every epoch has its own order";
  }
}

TEST_F(TrainingDataTest, ReadsShardsInGroups) {
  // With one shard at a time, the samples of a shard follow each other; the shards' order differs.
  TrainingData data({{.name = "all", .shards = three_shards()}},
                    {.batch = 16, .edge = 8, .shards_at_once = 1});
  std::set<std::string> orders;
  for (int epoch = 0; epoch < 20; ++epoch) {
    std::string shards;
    for (const auto& key : keys(data.next()))
      if (shards.empty() || shards.back() != key[0]) shards += key[0];
    EXPECT_EQ(shards.size(), 3u) << shards;
    orders.insert(shards);
  }
  EXPECT_EQ(orders.size(), 6u);
}

TEST_F(TrainingDataTest, SameBatchesWhateverTheTimingAndTheMemory) {
  const std::vector<TrainingSource> sources{
      {.name = "one", .shards = three_shards(), .weight = 2, .augmentation = strong()},
      {.name = "two", .shards = {write("d", 3, ".tar.gz")}, .augmentation = {.flip = 0.5}}};
  const TrainingDataOptions plain{
      .batch = 7, .edge = 12, .seed = 5, .shards_at_once = 2, .cache_bytes = 0, .prefetch = 0};
  std::vector<std::string> expected;
  TrainingData reference(sources, plain);
  for (int i = 0; i < 20; ++i) expected.push_back(content(reference.next()));
  EXPECT_EQ(std::set(expected.begin(), expected.end()).size(), 20u);

  const int threads = thread_count();
  for (const std::size_t cache_bytes : {0, 960, 9000, 1 << 20}) {
    for (const int prefetch : {0, 1, 3}) {
      set_thread_count(prefetch == 1 ? 1 : 4);
      auto options = plain;
      options.cache_bytes = cache_bytes;
      options.prefetch = prefetch;
      TrainingData data(sources, options);
      for (int i = 0; i < 20; ++i)
        EXPECT_EQ(content(data.next()), expected[i]) << cache_bytes << ", " << prefetch << ", batch " << i;
    }
  }
  set_thread_count(threads);

  auto other = plain;
  other.seed = 6;
  EXPECT_NE(content(TrainingData(sources, other).next()), expected.front());
}

TEST_F(TrainingDataTest, ResumesAtEveryBatch) {
  const std::vector<TrainingSource> sources{
      {.name = "one", .shards = three_shards(), .weight = 0.7, .augmentation = strong()},
      {.name = "two", .shards = {write("d", 3), write("e", 1)}, .weight = 0.1}};
  const TrainingDataOptions options{.batch = 5, .edge = 12, .seed = 11, .shards_at_once = 2};
  TrainingData whole(sources, options);
  std::vector<std::string> batches;
  std::vector<std::string> positions;
  for (int i = 0; i < 15; ++i) {
    positions.push_back(position_to_json(whole.position()).dump());
    batches.push_back(content(whole.next()));
  }
  for (int start = 0; start < 15; ++start) {
    const auto position = position_from_json(nlohmann::json::parse(positions[start]), "position");
    EXPECT_EQ(position.batch, start);
    TrainingData resumed(sources, options, position);
    for (int i = start; i < std::min(start + 4, 15); ++i) {
      EXPECT_EQ(position_to_json(resumed.position()).dump(), positions[i]);
      EXPECT_EQ(content(resumed.next()), batches[i]) << "from " << start << ", batch " << i;
    }
  }
}

TEST_F(TrainingDataTest, EverySourceHasItsShare) {
  const std::vector<double> weights{3, 1, 0.3};
  std::vector<TrainingSource> sources;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::string name(1, static_cast<char>('a' + i));
    sources.push_back({.name = name, .shards = {write(name, 4)}, .weight = weights[i]});
  }
  TrainingData data(sources, {.batch = 7, .edge = 8});
  std::vector<double> counts(3);
  for (int batch = 1; batch <= 200; ++batch) {
    const auto samples = data.next().samples;
    ASSERT_EQ(samples.size(), 7u);
    EXPECT_TRUE(std::ranges::is_sorted(samples, {}, &TrainingSample::source));
    for (const auto& sample : samples) {
      EXPECT_EQ(sample.key[0], 'a' + static_cast<char>(sample.source));
      ++counts[sample.source];
    }
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(counts[i], 7 * batch * weights[i] / 4.3, 1.5);
  }
}

TEST_F(TrainingDataTest, TellsCaptionsClassesAndTemplates) {
  write_file_atomically(folder_ / "classes.tsv", "0\tn0\ttench, Tinca tinca\n1\tn1\tcrane\n");
  const auto shard = write_entries("a.tar", {{"x.png", picture("x")},
                                             {"x.cls", "0"},
                                             {"x.txt", "never said"},
                                             {"y.png", picture("y")},
                                             {"y.cls", "1\n"},
                                             {"z.png", picture("z")},
                                             {"z.txt", "one\ntwo\n"}});
  TrainingData data({{.name = "a",
                      .shards = {shard},
                      .classes = folder_ / "classes.tsv",
                      .templates = {"a photo of a {}.", "the {}"}}},
                    {.batch = 3, .edge = 8});
  std::set<std::string> texts;
  for (int epoch = 0; epoch < 60; ++epoch) {
    for (const auto& sample : data.next().samples) {
      EXPECT_EQ(sample.label, sample.key == "x" ? 0 : sample.key == "y" ? 1 : -1);
      texts.insert(sample.key + ": " + sample.text);
    }
  }
  EXPECT_EQ(texts, (std::set<std::string>{"x: a photo of a tench.", "x: a photo of a Tinca tinca.",
                                          "x: the tench", "x: the Tinca tinca", "y: a photo of a crane.",
                                          "y: the crane", "z: one", "z: two"}));

  // Without a class file the captions are all there is; the sample without one is skipped.
  TrainingData captions({{.name = "a", .shards = {shard}}}, {.batch = 2, .edge = 8});
  for (const auto& sample : captions.next().samples) {
    EXPECT_TRUE(sample.key == "x" || sample.key == "z");
    EXPECT_EQ(sample.label, sample.key == "x" ? 0 : -1);
  }
}

TEST_F(TrainingDataTest, EdgesGrowAtTheirBatches) {
  TrainingData data({{.name = "all", .shards = three_shards()}},
                    {.batch = 3, .edge = 8, .edges = {{2, 12}, {5, 6}, {6, 30}}, .prefetch = 3});
  for (const int edge : {8, 8, 12, 12, 12, 6, 30, 30}) {
    for (const auto& sample : data.next().samples) {
      EXPECT_EQ(sample.image.width, edge);
      EXPECT_EQ(sample.image.height, edge);
      EXPECT_EQ(sample.image.format, PixelFormat::rgb);
    }
  }
}

TEST_F(TrainingDataTest, LargePicturesAreShrunkOnce) {
  const Image large = testing::wave_picture(90, 60, 3);
  const auto shard = write_entries("a.tar", {{"x.png", testing::png_bytes(large)}, {"x.txt", "waves"}});
  TrainingData data({{.name = "a", .shards = {shard}}}, {.batch = 1, .edge = 8, .edges = {{2, 10}}});
  // Twice the largest edge of the whole run.
  const Image shrunk = resample(large, {20, 30}, Filter::bicubic);
  Random unused(0);
  for (const int edge : {8, 8, 10}) {
    const auto batch = data.next().samples;
    EXPECT_EQ(batch.front().image.samples, random_view(shrunk, {}, edge, unused).samples);
  }
}

TEST_F(TrainingDataTest, KeptPicturesNeedNoFile) {
  const auto shard = write("a", 6);
  TrainingData data({{.name = "a", .shards = {shard}}}, {.batch = 6, .edge = 8, .prefetch = 0});
  data.next();
  std::filesystem::remove(shard);
  for (int epoch = 0; epoch < 3; ++epoch) EXPECT_EQ(data.next().samples.size(), 6u);
}

TEST_F(TrainingDataTest, AChangedShardIsNoticed) {
  // 960 bytes hold one of the pictures.
  for (const int now : {5, 7}) {
    const auto shard = write("a", 6);
    TrainingData data({{.name = "a", .shards = {shard}}},
                      {.batch = 6, .edge = 8, .cache_bytes = 960, .prefetch = 0});
    data.next();
    write("a", now);
    testing::expect_error(ErrorCode::corrupt, "a.tar: expected the same samples", [&] { data.next(); });
  }
}

}  // namespace
}  // namespace beeld
