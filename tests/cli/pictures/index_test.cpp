#include <beeld/error.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <set>
#include <thread>

#include "multimodal/index/database.h"
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
  // By `index` each time, by other commands when it is found.
  const auto first = run({"search", "a cat", pictures_.string()});
  EXPECT_EQ(first.code, 1);
  EXPECT_TRUE(first.names("broken.png"));
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
  EXPECT_EQ(found.code, 0);
  EXPECT_EQ(found.lines().size(), 2u);
  EXPECT_FALSE(found.names("broken.png")) << found.err;
  EXPECT_TRUE(found.names("1 picture cannot be read")) << found.err;
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
  // The escape of a byte that is no UTF-8 is one that this parser refuses.
  auto readable = finished;
  const std::string escape = "\\udcff", stand_in = "<FF>";
  const auto at = readable.out.find(escape);
  ASSERT_NE(at, std::string::npos) << finished.out;
  readable.out.replace(at, escape.size(), stand_in);
  for (const auto& name : names_of(readable.lines())) found.insert(name);
  std::set<std::string> expected = names;
  expected.erase("bad\xFFutf8.png");
  expected.insert("bad" + stand_in + "utf8.png");
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

TEST_F(IndexCommandTest, EveryModelHasItsOwnEmbeddings) {
  add_picture("a.png", 1);
  ASSERT_EQ(index()["added"], 1);
  write_tiny_model(folder_ / "other", 2);
  const auto with_other = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--json", "--model", (folder_ / "other").string()});
    return run_plain(arguments);
  };
  const auto refused = with_other({"search", "a cat", pictures_.string(), "--no-index"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_EQ(refused.out, "");
  EXPECT_TRUE(refused.names("beeld index")) << refused.err;
  const auto added = with_other({"index", pictures_.string()});
  EXPECT_EQ(added.line()["added"], 1);
  EXPECT_TRUE(added.names("1 other model")) << added.err;
  EXPECT_EQ(index()["unchanged"], 1);
  EXPECT_EQ(with_other({"search", "a cat", pictures_.string(), "--no-index"}).code, 0);

  const auto wrong = run({"index", pictures_.string(), "--drop-model", "nobody's"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_TRUE(wrong.names("no embeddings of nobody's")) << wrong.err;
  EXPECT_EQ(run({"index", pictures_.string(), "--drop-model", (folder_ / "other").string()}).code, 0);
  EXPECT_EQ(with_other({"search", "a cat", pictures_.string(), "--no-index"}).code, 2);
  EXPECT_EQ(index()["unchanged"], 1);
}

TEST_F(IndexCommandTest, ASubfolderUsesTheIndexAbove) {
  add_picture("a.png", 1);
  std::filesystem::create_directories(pictures_ / "below/deep");
  write_picture(pictures_ / "below/deep/b.png", wave_picture(48, 40, 2));
  ASSERT_EQ(index()["added"], 2);
  const auto deep = (pictures_ / "below/deep").string();
  EXPECT_EQ(run({"search", "a cat", deep, "--no-index"}).lines().size(), 1u);
  write_picture(pictures_ / "below/deep/c.png", wave_picture(48, 40, 3));
  const auto summary = run({"index", deep}).line();
  EXPECT_EQ(summary["found"], 2);
  EXPECT_EQ(summary["added"], 1);
  EXPECT_FALSE(std::filesystem::exists(pictures_ / "below/deep/.beeld.db"));
  EXPECT_EQ(index()["unchanged"], 3);
  EXPECT_EQ(run({"search", "a cat", pictures_.string(), deep}).lines().size(), 3u) << "each picture once";
}

TEST_F(IndexCommandTest, AMovedLibraryIsSearchedWhereItIs) {
  add_picture("a.png", 1);
  ASSERT_EQ(index()["added"], 1);
  const auto moved = folder_ / "moved";
  std::filesystem::rename(pictures_, moved);
  const auto line = run({"search", "a cat", moved.string(), "--no-index"}).line();
  EXPECT_EQ(line["path"], (moved / "a.png").string());
  EXPECT_EQ(run({"index", moved.string()}).line()["unchanged"], 1);
}

TEST_F(IndexCommandTest, NoCommandNamesAFileThatIsGone) {
  const auto first = add_picture("a.png", 1), second = add_picture("b.png", 1);
  add_picture("z.png", 2);
  const std::vector<std::string> dedup = {"dedup", pictures_.string(), "--threshold", "0.9999"};
  EXPECT_EQ(run(dedup).line()["paths"].size(), 2u);
  std::filesystem::remove(first);
  const auto unseen = run({"search", "a cat", pictures_.string(), "--no-index"});
  EXPECT_EQ(names_of(unseen.lines()).size(), 2u);
  EXPECT_FALSE(unseen.out.find("a.png") != std::string::npos) << unseen.out;
  const auto alone = run(dedup);
  EXPECT_EQ(alone.out, "");
  EXPECT_TRUE(alone.names("1 picture is gone")) << alone.err;
  const auto page = folder_ / "page.html";
  const auto finished = run({"search", "a cat", pictures_.string(), "--html", page.string()});
  EXPECT_EQ(finished.lines().size(), 2u);
  EXPECT_FALSE(finished.names("gone")) << "said once: " << finished.err;
  EXPECT_EQ(run({"cluster", pictures_.string(), "-k", "1"}).line()["paths"].size(), 2u);
  EXPECT_EQ(index()["missing"], 1);
}

TEST_F(IndexCommandTest, ChecksAndMendsWhatIsDamaged) {
  for (std::uint32_t i = 0; i < 12; ++i) add_picture("p" + std::to_string(i) + ".png", i);
  ASSERT_EQ(index()["added"], 12);
  const auto expected = run({"search", "a cat", pictures_.string()}).out;
  auto checked = index({"--check"});
  EXPECT_EQ(checked["pictures"], 12);
  EXPECT_EQ(checked["corrupt"], false);

  const auto flip = [&](const char* name, std::uintmax_t at) {
    std::fstream file(pictures_ / name, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const char byte = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(byte ^ 0x10));
  };
  const auto size = std::filesystem::file_size(pictures_ / ".beeld.db");
  flip(".beeld.db", size - 16384 + 3000);
  const auto damaged = run({"search", "a cat", pictures_.string()});
  if (damaged.code != 0) {
    EXPECT_EQ(damaged.code, 2);
    EXPECT_TRUE(damaged.names("--check")) << damaged.err;
  } else {
    EXPECT_EQ(damaged.out, expected);
  }
  const auto mended = run({"index", pictures_.string(), "--check"});
  EXPECT_EQ(mended.code, 1) << mended.err;
  EXPECT_EQ(mended.lines()[0]["corrupt"], true);
  EXPECT_EQ(run({"search", "a cat", pictures_.string()}).out, expected);

  flip(".beeld.db.vectors", 300);
  EXPECT_EQ(run({"search", "a cat", pictures_.string()}).out, expected);
  flip(".beeld.db.vectors", 300);
  EXPECT_EQ(run({"index", pictures_.string(), "--check"}).lines()[0]["corrupt"], true);
  EXPECT_EQ(index({"--check"})["corrupt"], false);
}

TEST_F(IndexCommandTest, WatchingKeepsTheIndexFresh) {
  add_picture("a.png", 1);
  // Not by the command, whose output would go where that of the first one does.
  const auto size = [&]() -> std::int64_t {
    try {
      return Database(pictures_ / ".beeld.db", DatabaseAccess::read_only)
          .integer(
              "SELECT count(*) FROM pictures JOIN embeddings ON picture = id WHERE gone = 0 AND error IS "
              "NULL");
    } catch (const Error&) {
      return -1;  // not there yet
    }
  };
  const auto wait_for = [&](std::int64_t count) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < deadline) {
      if (size() == count) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  };
  const auto finished = run_program(
      beeld::testing::beeld_command().string(),
      {"--model", model_.string(), "--json", "index", pictures_.string(), "--watch"}, [&](int process) {
        EXPECT_TRUE(wait_for(1));
        add_picture("b.png", 2);
        EXPECT_TRUE(wait_for(2));
        const auto bytes = png_bytes(wave_picture(48, 40, 3));
        std::ofstream half(pictures_ / "half.png", std::ios::binary);
        half << bytes.substr(0, bytes.size() / 2) << std::flush;
        std::filesystem::create_directory(pictures_ / "album");
        std::filesystem::rename(pictures_ / "a.png", pictures_ / "album/moved.png");
        write_picture(pictures_ / "album/c.png", wave_picture(48, 40, 4));
        EXPECT_TRUE(wait_for(3));
        half << bytes.substr(bytes.size() / 2) << std::flush;
        half.close();
        EXPECT_TRUE(wait_for(4));
        std::filesystem::rename(pictures_ / "album", folder_ / "away");
        EXPECT_TRUE(wait_for(2));
        ::kill(process, SIGINT);
      });
  EXPECT_EQ(finished.code, 130) << finished.err;
  EXPECT_FALSE(finished.names("half.png")) << finished.err;
  EXPECT_EQ(index()["unchanged"], 2) << "nothing is left to be done";
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
