#include <archive.h>
#include <archive_entry.h>
#include <beeld/error.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <set>

#include "data/scenes/captions.h"
#include "data/scenes/held_out.h"
#include "data/scenes/sampling.h"
#include "data/scenes/shards.h"
#include "data/scenes/splits.h"
#include "tests/support/temporary_folder.h"

namespace beeld::scenes {

namespace {

constexpr std::uint64_t seed = 1;

TEST(HeldOut, TakesOneColorFromEveryThingAndATenthOfTheArrangements) {
  for (std::size_t thing = 0; thing < thing_count; ++thing) {
    int colors = 0;
    for (std::size_t color = 0; color < color_count; ++color)
      colors += held_out(static_cast<Color>(color), static_cast<Thing>(thing));
    EXPECT_EQ(colors, 1) << thing;
  }
  int arrangements = 0;
  for (std::size_t a = 0; a < thing_count; ++a)
    for (std::size_t b = 0; b < thing_count; ++b)
      for (std::size_t r = 0; r < 4; ++r) {
        const auto relation = static_cast<Relation>(r);
        const auto first = static_cast<Thing>(a), second = static_cast<Thing>(b);
        EXPECT_EQ(held_out(relation, first, second), held_out(inverse(relation), second, first));
        arrangements += held_out(relation, first, second);
      }
  EXPECT_NEAR(arrangements / (4.0 * thing_count * thing_count), 0.1, 0.02);
}

TEST(TrainingScenes, HoldNothingThatIsHeldOut) {
  for (std::uint64_t i = 0; i < 5000; ++i) EXPECT_FALSE(holds_out(training_scene(seed, i))) << i;
}

TEST(TrainingScenes, ShowEverythingElse) {
  std::set<std::pair<Thing, Color>> shown;
  for (std::uint64_t i = 0; i < 24'000; ++i) {
    const Scene scene = training_scene(seed, i);
    shown.emplace(scene.first.thing, scene.first.color);
    if (scene.second) shown.emplace(scene.second->group.thing, scene.second->group.color);
  }
  EXPECT_EQ(shown.size(), thing_count * (color_count - 1));
}

TEST(TrainingScenes, AreOfSeedAndNumberAlone) {
  EXPECT_EQ(training_scene(seed, 77), training_scene(seed, 77));
  int changed = 0;
  for (std::uint64_t i = 0; i < 100; ++i) changed += training_scene(seed, i) != training_scene(seed + 1, i);
  EXPECT_GT(changed, 90);
}

TEST(TestScenes, EachHoldAnUnseenCombination) {
  for (const Scene& scene : test_scenes(seed, 500)) EXPECT_TRUE(holds_out(scene));
}

TEST(TestScenes, FitNoCaptionButTheirOwn) {
  const auto scenes = test_scenes(seed, 500);
  for (std::size_t i = 0; i < scenes.size(); ++i)
    for (std::size_t j = 0; j < scenes.size(); ++j)
      EXPECT_EQ(fits({}, scenes[i], scenes[j]), i == j) << i << " and " << j;
}

TEST(TestPictures, HaveFullCaptionsOfWhichNoTwoAreTheSame) {
  for (const auto language : {Language::english, Language::dutch}) {
    std::set<std::string> captions;
    for (const Picture& picture : test_pictures(seed, 500, {{language}, 3}))
      captions.insert(picture.captions.begin(), picture.captions.end());
    // Two wordings agree only where there is neither place nor relation to tell.
    EXPECT_GT(captions.size(), 1400u);
  }
  const auto english = test_pictures(seed, 500, {{Language::english}, 1});
  const auto dutch = test_pictures(seed, 500, {{Language::dutch}, 1});
  std::set<std::string> captions;
  for (std::size_t i = 0; i < english.size(); ++i) {
    EXPECT_EQ(english[i].scene, dutch[i].scene);
    EXPECT_EQ(english[i].seed, dutch[i].seed);
    captions.insert(english[i].captions.at(0));
    captions.insert(dutch[i].captions.at(0));
    for (const int wording : {1, 3})
      EXPECT_NE(english[i].captions.at(0), caption(english[i].scene, wording, Language::english));
  }
  EXPECT_EQ(captions.size(), 1000u);
}

TEST(TrainingPictures, HaveFiveWordingsInTwoLanguages) {
  const auto both = training_picture(seed, 3, {{Language::english, Language::dutch}, wording_count});
  ASSERT_EQ(both.captions.size(), 10u);
  EXPECT_EQ(both.captions[2], caption(both.scene, 2, Language::english));
  EXPECT_EQ(both.captions[7], caption(both.scene, 2, Language::dutch));
}

Picture picture(std::size_t i) {
  const Scene scene = training_scene(seed, i);
  return {scene, i, {caption(scene, 0, Language::english), caption(scene, 0, Language::dutch)}};
}

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> entries(const std::filesystem::path& path) {
  const std::unique_ptr<archive, int (*)(archive*)> tar(archive_read_new(), archive_read_free);
  archive_read_support_format_tar(tar.get());
  EXPECT_EQ(archive_read_open_filename(tar.get(), path.c_str(), 1 << 16), ARCHIVE_OK);
  std::vector<std::string> names;
  for (archive_entry* entry = nullptr; archive_read_next_header(tar.get(), &entry) == ARCHIVE_OK;)
    names.emplace_back(archive_entry_pathname(entry));
  return names;
}

TEST(Shards, AreTheSameBytesForTheSameSeed) {
  const testing::TemporaryFolder folder;
  write_shards({.folder = folder / "a", .name = "s", .pictures = 30}, picture);
  write_shards({.folder = folder / "b", .name = "s", .pictures = 30}, picture);
  const std::string first = content(folder / "a/s-000.tar");
  EXPECT_GT(first.size(), 30'000u);
  EXPECT_TRUE(first == content(folder / "b/s-000.tar"));
}

TEST(Shards, AreFilledInTurn) {
  const testing::TemporaryFolder folder;
  write_shards({.folder = folder.path(), .name = "s", .pictures = 5, .per_shard = 2}, picture);
  EXPECT_EQ(entries(folder / "s-000.tar"),
            (std::vector<std::string>{"000000.jpg", "000000.txt", "000001.jpg", "000001.txt"}));
  EXPECT_EQ(entries(folder / "s-002.tar"), (std::vector<std::string>{"000004.jpg", "000004.txt"}));
  EXPECT_FALSE(std::filesystem::exists(folder / "s-003.tar"));
}

TEST(Shards, ThatCannotBeWrittenAreNamed) {
  const testing::TemporaryFolder folder;
  std::ofstream(folder / "file") << "in the way";
  try {
    write_shards({.folder = folder / "file", .name = "s", .pictures = 1}, picture);
    FAIL() << "wrote into a file as if it were a folder";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_NE(std::string(error.what()).find("s-000.tar"), std::string::npos) << error.what();
  }
}

}  // namespace

}  // namespace beeld::scenes
