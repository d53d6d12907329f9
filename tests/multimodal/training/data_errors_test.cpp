#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "core/base/files.h"
#include "multimodal/training/data.h"
#include "multimodal/training/position.h"
#include "tests/multimodal/training/training_fixture.h"
#include "tests/support/expect_error.h"

namespace beeld {
namespace {

using testing::expect_error;
using testing::keys;
using testing::TrainingDataTest;

/// A shard with samples good0 to good7, and between them four that cannot be used, or are good as well.
enum class Bad { yes, no };
std::vector<testing::ShardEntry> mixed(Bad bad,
                                       const std::function<std::string(const std::string&)>& picture) {
  std::vector<testing::ShardEntry> entries;
  const auto add = [&](const std::string& key) {
    entries.push_back({key + ".png", picture(key)});
    entries.push_back({key + ".txt", key});
  };
  for (int i = 0; i < 8; ++i) {
    add("good" + std::to_string(i));
    const auto end = entries.size();
    if (i % 2 == 0) add("odd" + std::to_string(i));
    if (bad == Bad::no || i % 2 != 0) continue;
    if (i == 0) entries[end].content.resize(60);
    if (i == 2) entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(end));
    if (i == 4) entries[end + 1].content = " \n";
    if (i == 6) entries[end + 1] = {"odd6.cls", "3"};
  }
  return entries;
}

TEST_F(TrainingDataTest, ABadSampleIsNamedOnceAndShiftsNothing) {
  write_file_atomically(folder_ / "classes.tsv", "0\tn0\ttench\n");
  const auto run = [&](Bad bad, std::size_t cache_bytes) {
    const auto shard = write_entries("mixed.tar", mixed(bad, picture));
    return std::make_unique<TrainingData>(
        std::vector<TrainingSource>{{.name = "mixed",
                                     .shards = {shard},
                                     .classes = folder_ / "classes.tsv",
                                     .augmentation = strong()}},
        TrainingDataOptions{.batch = 4, .edge = 8, .cache_bytes = cache_bytes, .prefetch = 0});
  };

  std::vector<TrainingSample> expected;
  const auto good = run(Bad::no, 0);
  for (int i = 0; i < 9; ++i) {
    auto batch = good->next();
    EXPECT_TRUE(batch.skipped.empty());
    for (auto& sample : batch.samples)
      if (sample.key.starts_with("good")) expected.push_back(std::move(sample));
  }

  for (const std::size_t cache_bytes : {0, 1 << 20}) {
    const auto data = run(Bad::yes, cache_bytes);
    std::vector<TrainingSample> samples;
    std::vector<SkippedSample> skipped;
    for (int i = 0; i < 6; ++i) {
      auto batch = data->next();
      std::ranges::move(batch.samples, std::back_inserter(samples));
      std::ranges::move(batch.skipped, std::back_inserter(skipped));
    }
    ASSERT_EQ(samples.size(), expected.size());
    EXPECT_EQ(testing::content(samples), testing::content(expected));

    std::set<std::string> named;
    for (const auto& [shard, key, reason] : skipped) {
      EXPECT_EQ(shard, folder_ / "mixed.tar");
      EXPECT_FALSE(reason.empty());
      named.insert(key);
    }
    EXPECT_EQ(named, (std::set<std::string>{"odd0", "odd2", "odd4", "odd6"}));
    EXPECT_EQ(skipped.size(), 4u);
  }
}

TEST_F(TrainingDataTest, ResumesAmongBadSamples) {
  const auto shard = write_entries("mixed.tar", mixed(Bad::yes, picture));
  const std::vector<TrainingSource> sources{{.name = "mixed", .shards = {shard}}};
  const TrainingDataOptions options{.batch = 3, .edge = 8};
  TrainingData whole(sources, options);
  for (int i = 0; i < 12; ++i) {
    TrainingData resumed(sources, options, whole.position());
    EXPECT_EQ(keys(whole.next()), keys(resumed.next()));
    EXPECT_EQ(position_to_json(whole.position()), position_to_json(resumed.position()));
  }
}

TEST_F(TrainingDataTest, ASourceWithNothingUsableIsAnError) {
  const auto good = write("a", 3);
  const auto none = write_entries("none.tar", {});
  const auto bad = write_entries("bad.tar", {{"x.png", "not a picture"}, {"x.txt", "x"}, {"y.txt", "y"}});
  for (const auto& shards : {std::vector{none}, {bad}, {bad, none}}) {
    for (const int prefetch : {0, 2}) {
      TrainingData data({{.name = "good", .shards = {good}}, {.name = "empty", .shards = shards}},
                        {.batch = 2, .edge = 8, .prefetch = prefetch});
      for (int again = 0; again < 2; ++again) {
        expect_error(ErrorCode::corrupt, "source empty: expected a usable sample", [&] { data.next(); });
      }
    }
  }
  // An epoch that was entered in its middle proves nothing about the samples before.
  TrainingData late({{.name = "late", .shards = {good, bad}}}, {.batch = 1, .edge = 8, .shards_at_once = 2},
                    {.batch = 4, .sources = {{.sample = 5}}});
  EXPECT_NO_THROW(late.next());
}

TEST_F(TrainingDataTest, ErrorsOfShardsComeAfterTheBatchesBeforeThem) {
  const auto shard = write("a", 4);
  for (const int prefetch : {0, 1, 3}) {
    TrainingData data({{.name = "a", .shards = {shard, folder_ / "missing.tar"}}},
                      {.batch = 4, .edge = 8, .seed = 2, .shards_at_once = 1, .prefetch = prefetch});
    // Whichever comes first in this order, the missing one is met before the second batch.
    int batches = 0;
    expect_error(ErrorCode::not_found, "missing.tar", [&] {
      for (; batches < 2; ++batches) data.next();
    });
    EXPECT_LE(batches, 1);
    expect_error(ErrorCode::not_found, "missing.tar", [&] { data.next(); });  // again
  }
  const auto whole = read_file(shard, 1 << 20);
  write_file_atomically(folder_ / "cut.tar", whole.substr(0, whole.size() / 2));
  TrainingData cut({{.name = "cut", .shards = {folder_ / "cut.tar"}}}, {.batch = 2, .edge = 8});
  expect_error(ErrorCode::corrupt, "cut.tar", [&] { cut.next(); });
}

TEST_F(TrainingDataTest, RefusesSettingsThatCannotBe) {
  const TrainingSource good{.name = "a", .shards = {write("a", 2)}};
  const TrainingDataOptions options{.batch = 2, .edge = 8};
  const auto refused = [&](const std::vector<TrainingSource>& sources, const TrainingDataOptions& changed,
                           const TrainingPosition& position, const std::string& part) {
    expect_error(ErrorCode::invalid_argument, part,
                 [&] { const TrainingData data(sources, changed, position); });
  };
  refused({}, options, {}, "sources: expected at least one");
  for (const double weight : {0.0, -1.0, std::numeric_limits<double>::infinity()}) {
    auto source = good;
    source.weight = weight;
    refused({source}, options, {}, "source a: expected a weight above 0");
  }
  auto source = good;
  source.shards.clear();
  refused({source}, options, {}, "source a: expected at least one shard");
  source = good;
  source.templates = {"a photo"};
  refused({source}, options, {}, "\"a photo\"");
  source = good;
  source.augmentation.flip = 2;
  refused({source}, options, {}, "[augmentation] flip");

  refused({good}, {.batch = 0}, {}, "batch: expected 1 to");
  refused({good}, {.edge = 0}, {}, "edge: expected 1 to");
  refused({good}, {.edge = 1 << 20}, {}, "edge: expected 1 to");
  refused({good}, {.edges = {{5, 8}, {5, 9}}}, {}, "edges: batch of a step: expected 6 to");
  refused({good}, {.edges = {{-1, 8}}}, {}, "edges: batch of a step: expected 0 to");
  refused({good}, {.edges = {{1, 0}}}, {}, "edges: edge of a step");
  refused({good}, {.shards_at_once = 0}, {}, "shards_at_once");
  refused({good}, {.prefetch = -1}, {}, "prefetch");
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  refused({good}, options, {.batch = -1}, "position: batch");
  refused({good}, options, {.batch = 1}, "position: expected 1 sources, got 0");
  refused({good}, options, {.batch = 1, .sources = {{}, {}}}, "position: expected 1 sources, got 2");
  refused({good}, options, {.sources = {{.epoch = -1}}}, "position: epoch");
  refused({good}, options, {.sources = {{.owed = nan}}}, "samples owed, got nan");
  refused({good}, options, {.sources = {{.owed = 1e300}}}, "samples owed, got 1");
  source = good;
  source.classes = folder_ / "missing.tsv";
  expect_error(ErrorCode::not_found, "missing.tsv", [&] { const TrainingData data({source}, options); });
}

TEST_F(TrainingDataTest, RefusesPlacesThatDoNotExist) {
  const std::vector<TrainingSource> sources{{.name = "a", .shards = {write("a", 2)}}};
  for (const auto& place : {SourcePosition{.group = 1}, SourcePosition{.sample = 3},
                            SourcePosition{.group = std::numeric_limits<std::size_t>::max()},
                            SourcePosition{.sample = std::numeric_limits<std::size_t>::max()}}) {
    TrainingData data(sources, {.batch = 2, .edge = 8}, {.batch = 1, .sources = {place}});
    expect_error(ErrorCode::corrupt, "group " + std::to_string(place.group), [&] { data.next(); });
  }
}

TEST_F(TrainingDataTest, RefusesPositionsThatAreNone) {
  for (const auto& [text, part] : std::vector<std::pair<const char*, const char*>>{
           {"[]", "position"},
           {"{}", "batch"},
           {R"({"batch": 1})", "sources"},
           {R"({"batch": -1, "sources": []})", "batch"},
           {R"({"batch": 1.5, "sources": []})", "batch"},
           {R"({"batch": 1, "sources": {}})", "sources"},
           {R"({"batch": 1, "sources": [1]})", "sources[0]"},
           {R"({"batch": 1, "sources": [{"epoch": 0, "group": 0}]})", "sample"},
           {R"({"batch": 1, "sources": [{"epoch": 0, "group": -1, "sample": 0, "owed": 0}]})", "group"},
           {R"({"batch": 1, "sources": [{"epoch": 0, "group": 0, "sample": 0, "owed": "x"}]})", "owed"},
           {R"({"batch": 99999999999999999999, "sources": []})", "batch"}}) {
    expect_error(ErrorCode::corrupt, part,
                 [&, json = text] { position_from_json(nlohmann::json::parse(json), "position"); });
  }
}

}  // namespace
}  // namespace beeld
