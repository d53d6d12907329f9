#include <algorithm>
#include <fstream>
#include <iterator>

#include "tests/cli/command.h"
#include "tests/support/pictures.h"
#include "tests/support/tar.h"

namespace beeld::testing {

/// Short runs that go on with the tiny checkpoint.
class TrainTest : public CommandTest {
 protected:
  TrainTest() {
    std::string content;
    for (std::uint32_t i = 0; i < 8; ++i) {
      const auto key = std::to_string(i);
      content += tar_entry(key + ".png", png_bytes(wave_picture(40, 40, i))) +
                 tar_entry(key + ".txt", i % 2 == 0 ? "a cat\n" : "a dog in the snow\n");
    }
    shard_ = add_file("train.tar", content + tar_end());
  }

  nlohmann::json settings() const {
    return {{"sources", {{{"name", "waves"}, {"shards", {shard_.string()}}}}},
            {"batch", 4},
            {"edge", 32},
            {"steps", 4},
            {"log_every", 2},
            {"evaluate_every", 2},
            {"evaluate", {{{"task", "retrieval"}, {"name", "same waves"}, {"shards", {shard_.string()}}}}}};
  }

  /// `beeld train` on these settings, with the tiny checkpoint to begin with.
  Finished train(const nlohmann::json& settings, std::vector<std::string> more = {}) {
    const auto file = add_file("run.json", settings.dump()).string();
    std::vector<std::string> arguments = {"train", file, "--out", out_.string(), "--init", model_.string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_plain(arguments);
  }

  static std::string content_of(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  }

  std::filesystem::path shard_;
  std::filesystem::path out_ = folder_ / "trained";
};

TEST_F(TrainTest, PrintsATableAndLeavesACheckpoint) {
  const auto finished = train(settings());
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(finished.err, "");
  EXPECT_TRUE(finished.out.starts_with("    step      loss      rate      norm     scale  samples/s\n"))
      << finished.out;
  EXPECT_NE(finished.out.find("\n       2  same waves      text to image  R@1 "), std::string::npos);
  EXPECT_NE(finished.out.find("\n       4  same waves      text to image  R@1 "), std::string::npos);
  EXPECT_NE(finished.out.find("\n                          image to text  R@1 "), std::string::npos);
  EXPECT_TRUE(finished.out.ends_with("trained for 4 steps\n")) << finished.out;
  const auto embedded = run_plain({"embed", "--text", "a cat", "--model", out_.string(), "--json"});
  EXPECT_EQ(embedded.code, 0) << embedded.err;
}

TEST_F(TrainTest, EveryPartOfTheLossHasAColumn) {
  auto both = settings();
  both["loss"] = {{"contrastive", 1}, {"sigmoid", 0.5}};
  both.erase("evaluate");
  const auto finished = train(both);
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_TRUE(finished.out.starts_with("    step      loss  contrastive   sigmoid      rate"))
      << finished.out;
  EXPECT_EQ(std::count(finished.out.begin(), finished.out.end(), '\n'), 4) << "a heading, two rows, the end";
}

TEST_F(TrainTest, WithJsonItPrintsTheLog) {
  const auto finished = train(settings(), {"--json"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(finished.out, content_of(out_ / "run" / "log.jsonl"));
  const auto lines = finished.lines();
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0]["step"], 2);
  EXPECT_GT(lines[0]["loss"].get<double>(), 0);
  EXPECT_EQ(lines[1]["evaluation"], "same waves");
  EXPECT_EQ(lines[3]["t2i"].size(), 3u);
}

TEST_F(TrainTest, DrawsCurvesAndDrawsAFinishedRunAgain) {
  const auto page = folder_ / "curves.html", picture = folder_ / "curves.svg";
  ASSERT_EQ(train(settings(), {"--html", page.string()}).code, 0);
  const auto drawn = content_of(page);
  for (const char* text : {"<!DOCTYPE html>", ">trained<", ">step 4<", ">Loss<", ">same waves, retrieval<"})
    EXPECT_NE(drawn.find(text), std::string::npos) << text;

  std::filesystem::remove(shard_);  // drawing needs no data
  std::filesystem::remove(page);
  const auto again = train(settings(), {"--html", page.string()});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(content_of(page), drawn);
  EXPECT_EQ(train(settings(), {"--html", picture.string()}).code, 0);
  EXPECT_TRUE(content_of(picture).starts_with("<svg "));

  auto longer = settings();
  longer["steps"] = 6;
  EXPECT_EQ(train(longer, {"--html", page.string()}).code, 2) << "that is another run";
}

TEST_F(TrainTest, AFinishedRunSaysSoAndHowToGoOn) {
  ASSERT_EQ(train(settings()).code, 0);
  const auto again = train(settings());
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_NE(again.out.find("this run is finished, after 4 steps"), std::string::npos) << again.out;
  EXPECT_NE(again.out.find("--init " + out_.string()), std::string::npos) << again.out;

  auto other = settings();
  other["steps"] = 6;
  const auto longer = train(other);
  EXPECT_EQ(longer.code, 2);
  EXPECT_TRUE(longer.names("holds a run of 4 steps") && longer.names("has 6")) << longer.err;
  EXPECT_TRUE(longer.names("--init " + out_.string())) << longer.err;
  other["batch"] = 2;
  EXPECT_TRUE(train(other).names("holds another run"));
}

TEST_F(TrainTest, APlaceThatCannotBeWrittenToIsKnownBeforeTheRun) {
  const auto finished = train(settings(), {"--html", (folder_ / "absent" / "curves.html").string()});
  EXPECT_EQ(finished.code, 2);
  EXPECT_TRUE(finished.names("curves.html"));
  EXPECT_FALSE(std::filesystem::exists(out_));
}

TEST_F(TrainTest, WrongSettingsAreNamed) {
  auto wrong = settings();
  wrong["bacth"] = 4;
  EXPECT_TRUE(train(wrong).names("bacth"));
  wrong = settings();
  wrong["optimizer"] = {{"learning_rate", -1}};
  EXPECT_TRUE(train(wrong).names("learning_rate"));
  EXPECT_FALSE(std::filesystem::exists(out_));
  EXPECT_EQ(train(settings(), {"--freeze", "both"}).code, 2);
}

}  // namespace beeld::testing
