#include "multimodal/training/teacher.h"

#include "tests/multimodal/training/new_model.h"
#include "tests/multimodal/training/training_fixture.h"
#include "tests/support/expect_error.h"

namespace beeld {
namespace {

class TeacherTest : public testing::TrainingDataTest {
 protected:
  TeacherTest() { testing::write_new_model(folder_ / "model", testing::tiny_clip_config(), 9); }

  Model model() const { return Model::load(folder_ / "model"); }

  /// A shard of pictures that are named 0, 1, ... whatever they show.
  std::filesystem::path numbered(const std::string& name, const std::vector<std::string>& pictures) {
    std::vector<testing::ShardEntry> entries;
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      entries.push_back({std::to_string(i) + ".png", picture(pictures[i])});
      entries.push_back({std::to_string(i) + ".txt", "a caption"});
    }
    return write_entries(name, entries);
  }

  static TrainingSample sample(std::size_t source, std::size_t shard, std::size_t place) {
    return {.key = std::to_string(place), .source = source, .place = {shard, place}, .text = "a caption"};
  }

  /// How much the teacher's picture `row` resembles this one.
  float resemblance(const TeacherPairs<float>& pairs, std::int64_t row, const std::string& shown) const {
    const auto bytes = picture(shown);
    const auto image =
        decode_image({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, {}, shown);
    auto expected = model().encode_images(std::span(&image, 1));
    normalize_rows(expected);
    return dot({pairs.images.row(row), expected.columns}, expected[0]);
  }
};

TEST_F(TeacherTest, TellsPicturesApartWhoseShardsUseTheSameKeys) {
  const TrainingSource source{
      .name = "same", .shards = {numbered("x.tar", {"sun", "moon"}), numbered("y.tar", {"sea", "tree"})}};
  const Teacher::Source taught{&source, true};
  for (const char* reading : {"embedded", "from the cache"}) {
    Teacher teacher(model(), std::span(&taught, 1), RunFiles{folder_ / "out"});
    const std::vector<TrainingSample> samples{sample(0, 1, 0), sample(0, 0, 0), sample(0, 1, 1)};
    const auto pairs = teacher.pairs(samples);
    std::int64_t row = 0;
    for (const char* shown : {"sea", "sun", "tree"}) {
      EXPECT_NEAR(resemblance(pairs, row, shown), 1, 5e-4) << shown << ' ' << reading;  // rounded to float16
      EXPECT_LT(resemblance(pairs, row, "moon"), 0.997) << shown << ' ' << reading;
      ++row;
    }
  }
}

TEST_F(TeacherTest, CountsThePicturesOfAllSources) {
  const TrainingSource first{.name = "first", .shards = {write("a", 5)}},
      second{.name = "second", .shards = {write("b", 7)}};
  const std::vector<Teacher::Source> sources{{&first, true}, {&second, true}};
  std::vector<std::size_t> counts;
  const Teacher teacher(model(), sources, RunFiles{folder_ / "out"},
                        [&](std::size_t count) { counts.push_back(count); });
  EXPECT_EQ(counts, (std::vector<std::size_t>{5, 12}));
}

TEST_F(TeacherTest, RefusesSamplesItDidNotSee) {
  const TrainingSource source{.name = "short", .shards = {numbered("x.tar", {"sun", "moon"})}};
  const Teacher::Source taught{&source, true};
  Teacher teacher(model(), std::span(&taught, 1), RunFiles{folder_ / "out"});
  auto renamed = sample(0, 0, 1);
  renamed.key = "other";
  for (const auto& unseen : {sample(0, 0, 2), renamed})
    testing::expect_error(ErrorCode::corrupt, "[teacher] " + unseen.key,
                          [&] { teacher.pairs(std::span(&unseen, 1)); });
}

}  // namespace
}  // namespace beeld
