#include <signal.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include "tests/cli/command.h"
#include "tests/support/pictures.h"
#include "tests/support/source_tree.h"
#include "tests/support/tiny_model.h"

namespace beeld::testing {

class IndexCommandTest : public CommandTest {
 protected:
  nlohmann::json index(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"index", pictures_.string()});
    return run(more).line();
  }
};

TEST_F(IndexCommandTest, OnlyWhatIsNewOrChangedIsRead) {
  for (std::uint32_t i = 0; i < 6; ++i) add_picture("p" + std::to_string(i) + ".png", i);
  auto summary = index();
  EXPECT_EQ(summary["found"], 6);
  EXPECT_EQ(summary["added"], 6);
  EXPECT_EQ(summary["unreadable"].size(), 0u);

  summary = index();
  EXPECT_EQ(summary["added"], 0);
  EXPECT_EQ(summary["unchanged"], 6);

  add_picture("new.png", 20);
  write_picture(pictures_ / "p1.png", wave_picture(60, 30, 21));
  std::filesystem::rename(pictures_ / "p2.png", pictures_ / "renamed.png");
  std::filesystem::remove(pictures_ / "p3.png");
  summary = index();
  EXPECT_EQ(summary["found"], 6);
  EXPECT_EQ(summary["added"], 2);
  EXPECT_EQ(summary["renamed"], 1);
  EXPECT_EQ(summary["unchanged"], 3);
  EXPECT_EQ(summary["missing"], 1);

  summary = index({"--prune"});
  EXPECT_EQ(summary["pruned"], 1);
  EXPECT_EQ(index()["missing"], 0);
}

TEST_F(IndexCommandTest, AnUnreadablePictureIsNamedAndHarmsNoOther) {
  add_picture("a.png", 1);
  add_picture("z.png", 2);
  add_file("pictures/broken.png", "this is no picture");
  for (int time = 0; time < 2; ++time) {
    const auto finished = run({"index", pictures_.string()});
    EXPECT_EQ(finished.code, 1);
    EXPECT_TRUE(finished.names("broken.png"));
    const auto unreadable = finished.line()["unreadable"];
    ASSERT_EQ(unreadable.size(), 1u);
    EXPECT_EQ(std::filesystem::path(unreadable[0]["path"].get<std::string>()).filename(), "broken.png");
    EXPECT_NE(unreadable[0]["error"].get<std::string>(), "");
  }
  const auto found = run({"search", "a cat", pictures_.string()});
  EXPECT_EQ(found.code, 1);
  EXPECT_EQ(found.lines().size(), 2u);
}

TEST_F(IndexCommandTest, NamesAreTakenByteForByte) {
  const std::set<std::string> names = {"with space.png", "new\nline.png", "bad\xFFutf8.png", "[a,b].png",
                                       "-dash.png"};
  std::uint32_t seed = 0;
  for (const auto& name : names) add_picture(name, ++seed);
  EXPECT_EQ(index()["added"], names.size());
  const auto finished = run({"search", "a cat", pictures_.string()});
  EXPECT_EQ(finished.code, 0) << finished.err;
  std::set<std::string> found;
  for (const auto& name : names_of(finished.lines())) found.insert(name);
  std::set<std::string> expected = names;
  expected.erase("bad\xFFutf8.png");
  expected.insert("bad\xEF\xBF\xBDutf8.png");
  EXPECT_EQ(found, expected);
  // For people a name stays on its line.
  const auto text = run_plain({"search", "a cat", pictures_.string(), "--model", model_.string()}).out;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), static_cast<std::ptrdiff_t>(names.size()));
}

TEST_F(IndexCommandTest, OneFileMayHoldSeveralFolders) {
  add_picture("a.png", 1);
  std::filesystem::create_directories(folder_ / "more");
  write_picture(folder_ / "more/b.png", wave_picture(48, 40, 2));
  const auto database = (folder_ / "all.db").string();
  const auto summary =
      run({"index", pictures_.string(), (folder_ / "more").string(), "--db", database}).line();
  EXPECT_EQ(summary["found"], 2);
  EXPECT_TRUE(std::filesystem::exists(database));
  EXPECT_FALSE(std::filesystem::exists(pictures_ / ".beeld.db"));
  EXPECT_EQ(run({"search", "a cat", "--db", database}).lines().size(), 2u);
}

TEST_F(IndexCommandTest, AnotherModelsIndexIsNeverMixedIn) {
  add_picture("a.png", 1);
  ASSERT_EQ(index()["added"], 1);
  write_tiny_model(folder_ / "other", 2);
  const std::vector<std::string> arguments = {"--json", "--model", (folder_ / "other").string(), "index",
                                              pictures_.string()};
  const auto refused = run_plain(arguments);
  EXPECT_EQ(refused.code, 2);
  EXPECT_EQ(refused.out, "");
  EXPECT_TRUE(refused.names("--reindex") || refused.names("reindex")) << refused.err;
  auto again = arguments;
  again.emplace_back("--reindex");
  EXPECT_EQ(run_plain(again).line()["added"], 1);
}

TEST_F(IndexCommandTest, AnotherWayOfDecodingIsNeverMixedIn) {
  add_picture("a.png", 1);
  ASSERT_EQ(index({"--fast"})["added"], 1);
  const std::vector<std::vector<std::string>> without = {
      {"index", pictures_}, {"search", "a cat", pictures_}, {"cluster", pictures_, "-k", "1"}};
  for (const auto& arguments : without) {
    const auto refused = run(arguments);
    EXPECT_EQ(refused.code, 2) << arguments[0];
    EXPECT_EQ(refused.out, "") << arguments[0];
    EXPECT_TRUE(refused.names("made with --fast") && refused.names("--reindex")) << refused.err;
  }
  EXPECT_EQ(run({"search", "a cat", pictures_, "--fast"}).code, 0);
  EXPECT_EQ(run({"search", "a cat", pictures_, "--no-index"}).lines().size(), 1u) << "nothing is added";
  EXPECT_EQ(run({"index", pictures_, "--fast", "--no-exif"}).code, 2);
  EXPECT_EQ(index({"--no-exif", "--reindex"})["added"], 1);
  EXPECT_EQ(index({"--no-exif"})["unchanged"], 1);
}

TEST_F(IndexCommandTest, AFolderThatDoesNotExistIsNamed) {
  add_picture("a.png", 1);
  const auto absent = (folder_ / "absent").string();
  const auto none = run({"index", absent});
  EXPECT_EQ(none.code, 2);
  EXPECT_TRUE(none.names("absent"));
  const auto some = run({"index", absent, pictures_.string()});
  EXPECT_EQ(some.code, 1);
  EXPECT_TRUE(some.names("absent"));
  EXPECT_EQ(some.line()["added"], 1);
}

TEST_F(IndexCommandTest, InterruptKeepsWhatIsDone) {
  const std::size_t count = 400;
  const auto bytes = png_bytes(wave_picture(320, 240, 0));
  for (std::size_t i = 0; i < count; ++i)
    add_file("pictures/" + std::to_string(i) + ".png", bytes + std::to_string(i));
  const auto first =
      run_program(beeld::testing::beeld_command().string(),
                  {"--model", model_.string(), "--json", "--threads", "1", "index", pictures_.string()},
                  [&](int process) {
                    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
                    while (!std::filesystem::exists(pictures_ / ".beeld.db") &&
                           std::chrono::steady_clock::now() < deadline)
                      std::this_thread::sleep_for(std::chrono::milliseconds(2));
                    std::this_thread::sleep_for(std::chrono::milliseconds(150));
                    ::kill(process, SIGINT);
                  });
  ASSERT_EQ(first.code, 130) << first.err;
  EXPECT_EQ(first.line()["cancelled"], true);
  const std::size_t kept = first.line()["added"];
  EXPECT_LT(kept, count);
  const auto second = index();
  EXPECT_EQ(second["found"], count);
  EXPECT_GE(second["unchanged"], kept);
  EXPECT_EQ(second["added"].get<std::size_t>() + second["unchanged"].get<std::size_t>(), count);
}

}  // namespace beeld::testing
