// cluster and dedup: what belongs together.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "tests/cli/command.h"

namespace beeld::testing {

class ClusterTest : public CommandTest {
 protected:
  ClusterTest() {
    for (std::uint32_t i = 0; i < 9; ++i) add_picture("p" + std::to_string(i) + ".png", i);
    words_ = add_file("words.txt", "cat\ndog\nsnow\n").string();
  }

  std::string words_;
};

TEST_F(ClusterTest, EveryPictureIsInOneCluster) {
  const auto finished = run({"cluster", pictures_.string(), "-k", "3", "--label-with", words_});
  ASSERT_EQ(finished.code, 0) << finished.err;
  const auto lines = finished.lines();
  ASSERT_EQ(lines.size(), 3u);
  std::set<std::string> paths;
  std::size_t count = 0, previous = 9;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(lines[i]["cluster"], i + 1);
    EXPECT_TRUE((std::set<std::string>{"cat", "dog", "snow"}).contains(lines[i]["label"]));
    EXPECT_LE(lines[i]["paths"].size(), previous);
    previous = lines[i]["paths"].size();
    for (const auto& path : lines[i]["paths"]) paths.insert(path);
    count += lines[i]["paths"].size();
  }
  EXPECT_EQ(count, 9u);
  EXPECT_EQ(paths.size(), 9u);
}

TEST_F(ClusterTest, NoNameIsGivenTwice) {
  const auto many = add_file("many.txt", "cat\ncat\ndog\nsnow\nbeach\n").string();
  for (const auto& [words, named] : {std::pair(words_, 3u), std::pair(many, 4u)}) {
    std::set<std::string> names;
    std::size_t count = 0;
    for (const auto& line : run({"cluster", pictures_.string(), "-k", "6", "--label-with", words}).lines()) {
      if (line["label"].is_null()) continue;
      names.insert(line["label"].get<std::string>());
      ++count;
    }
    EXPECT_EQ(count, named);
    EXPECT_EQ(names.size(), named);
  }
}

TEST_F(ClusterTest, TheSeedDecides) {
  const std::vector<std::string> arguments = {"cluster", pictures_.string(), "-k", "4", "--label-with",
                                              words_,    "--seed",           "7"};
  EXPECT_EQ(run(arguments).out, run(arguments).out);
}

TEST_F(ClusterTest, CopiesShareACluster) {
  add_picture("copy of p3.png", 3);
  for (const auto& line : run({"cluster", pictures_.string(), "-k", "9", "--label-with", words_}).lines()) {
    bool original = false, copy = false;
    for (const std::string path : line["paths"]) {
      original = original || path.ends_with("/p3.png");
      copy = copy || path.ends_with("/copy of p3.png");
    }
    EXPECT_EQ(original, copy);
  }
}

TEST_F(ClusterTest, FewerPicturesThanClustersAreAsManyClusters) {
  const auto finished = run({"cluster", pictures_.string(), "-k", "30", "--label-with", words_});
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(finished.lines().size(), 9u);
  std::filesystem::create_directory(folder_ / "empty");
  const auto none = run({"cluster", (folder_ / "empty").string()});
  EXPECT_EQ(none.code, 0) << none.err;
  EXPECT_EQ(none.out, "");
}

TEST_F(ClusterTest, DedupGroupsCopies) {
  EXPECT_EQ(run({"dedup", pictures_.string(), "--threshold", "0.99999"}).out, "");
  add_picture("copy.bmp", 3);
  const auto line = run({"dedup", pictures_.string(), "--threshold", "0.99999"}).line();
  EXPECT_NEAR(line["similarity"].get<double>(), 1, 1e-5);
  std::vector<std::string> names;
  for (const std::string path : line["paths"])
    names.push_back(std::filesystem::path(path).filename().string());
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"copy.bmp", "p3.png"}));
  const auto page = folder_ / "copies.html";
  ASSERT_EQ(run({"dedup", pictures_.string(), "--threshold", "99.999%", "--html", page.string()}).code, 0);
  std::ifstream stream(page);
  const std::string html((std::istreambuf_iterator<char>(stream)), {});
  for (const char* part : {"2 copies", "48 x 40", "best copy", "href=\"file:///", "copy.bmp", "p3.png"})
    EXPECT_NE(html.find(part), std::string::npos) << part;
  // A low bar joins everything.
  const auto all = run({"dedup", pictures_.string(), "--threshold", "-1"}).line();
  EXPECT_EQ(all["paths"].size(), 10u);
  EXPECT_LE(all["lowest"].get<double>(), all["similarity"].get<double>());
}

}  // namespace beeld::testing
