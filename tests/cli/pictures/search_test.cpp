#include <beeld/index.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "tests/cli/command.h"
#include "tests/support/pictures.h"

namespace beeld::testing {

class SearchTest : public CommandTest {
 protected:
  SearchTest() {
    for (std::uint32_t i = 0; i < 8; ++i) add_picture("p" + std::to_string(i) + ".png", i);
  }

  /// Names and cosines of the pictures in the folder by the library itself, best first.
  std::vector<std::pair<std::string, float>> expected(const std::string& query) const {
    const auto model = Model::load(model_);
    const auto direction = query_embedding(model, query);
    std::vector<std::pair<std::string, float>> ranking;
    for (std::uint32_t i = 0; i < 8; ++i) {
      const std::vector<Image> image = {wave_picture(48, 40, i)};
      Matrix row = model.encode_images(image);
      normalize_rows(row);
      ranking.emplace_back("p" + std::to_string(i) + ".png", dot(row[0], direction));
    }
    std::sort(ranking.begin(), ranking.end(),
              [](const auto& a, const auto& b) { return a.second > b.second; });
    return ranking;
  }

  void expect_ranking(const std::string& query) {
    const auto finished = run({"search", query, pictures_.string()});
    ASSERT_EQ(finished.code, 0) << finished.err;
    const auto lines = finished.lines();
    const auto ranking = expected(query);
    ASSERT_EQ(lines.size(), ranking.size());
    const auto names = names_of(lines);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      EXPECT_EQ(names[i], ranking[i].first) << query;
      EXPECT_NEAR(lines[i]["score"].get<double>(), ranking[i].second, 2e-6) << query;
    }
  }
};

TEST_F(SearchTest, RanksBySentencePictureAndSum) {
  const auto picture = (pictures_ / "p3.png").string();
  expect_ranking("a photo of a cat");
  expect_ranking(picture);
  expect_ranking("\"a cat\" + " + picture);
  expect_ranking("2*\"snow\" + " + picture + " - 0.5*\"a dog\"");
}

TEST_F(SearchTest, APictureFindsItself) {
  const auto best = run({"search", (pictures_ / "p5.png").string(), pictures_.string(), "-k", "1"}).line();
  EXPECT_EQ(names_of({best}).front(), "p5.png");
  EXPECT_NEAR(best["score"].get<double>(), 1, 1e-5);
}

TEST_F(SearchTest, CountAndLeastScoreLimitTheAnswer) {
  const auto ranking = expected("a dog");
  EXPECT_EQ(run({"search", "a dog", pictures_.string(), "-k", "3"}).lines().size(), 3u);
  const auto least = std::to_string((ranking[3].second + ranking[4].second) / 2);
  EXPECT_EQ(run({"search", "a dog", pictures_.string(), "--min-score", least}).lines().size(), 4u);
  const auto none = run({"search", "a dog", pictures_.string(), "--min-score", "1.5"});
  EXPECT_EQ(none.code, 0);
  EXPECT_EQ(none.out, "");
}

TEST_F(SearchTest, ForPeopleRankCosineAndPath) {
  const auto finished =
      run_plain({"search", "a dog", pictures_.string(), "-k", "2", "--model", model_.string()});
  const auto ranking = expected("a dog");
  EXPECT_EQ(finished.out.substr(0, 6), "   1  ");
  EXPECT_NE(finished.out.find("/" + ranking[0].first + "\n   2  "), std::string::npos) << finished.out;
  EXPECT_EQ(finished.err, "");
}

TEST_F(SearchTest, NewPicturesAreFoundUnlessToldNotToLook) {
  EXPECT_EQ(run({"search", "a dog", pictures_.string()}).lines().size(), 8u);
  add_picture("new.png", 30);
  EXPECT_EQ(run({"search", "a dog", pictures_.string(), "--no-index"}).lines().size(), 8u);
  EXPECT_EQ(run({"search", "a dog", pictures_.string()}).lines().size(), 9u);
}

TEST_F(SearchTest, SeveralFoldersAreMerged) {
  std::filesystem::create_directories(folder_ / "more");
  write_picture(folder_ / "more/x.png", wave_picture(48, 40, 5));
  const auto query = (pictures_ / "p5.png").string();
  auto names =
      names_of(run({"search", query, pictures_.string(), (folder_ / "more").string(), "-k", "2"}).lines());
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"p5.png", "x.png"}));
  // A folder and one below it: each picture once.
  const auto lines = run({"search", query, folder_.path().string(), pictures_.string(), "-k", "50"}).lines();
  EXPECT_EQ(lines.size(), 9u);
}

TEST_F(SearchTest, TheGalleryHoldsItsPictures) {
  const auto page = folder_ / "found.html";
  ASSERT_EQ(run({"search", "a <dog>", pictures_.string(), "-k", "3", "--html", page.string()}).code, 0);
  std::ifstream stream(page);
  const std::string html((std::istreambuf_iterator<char>(stream)), {});
  std::size_t thumbnails = 0;
  for (auto at = html.find("data:image/"); at != std::string::npos; at = html.find("data:image/", at + 1))
    ++thumbnails;
  EXPECT_EQ(thumbnails, 3u);
  EXPECT_NE(html.find("a &lt;dog&gt;"), std::string::npos);
  EXPECT_EQ(html.find("a <dog>"), std::string::npos);
}

TEST_F(SearchTest, TemplatesMakeAnEnsemble) {
  const auto plain = run({"search", "a photo of a cat", pictures_.string()}).out;
  EXPECT_EQ(run({"search", "cat", pictures_.string(), "--template", "a photo of a {}"}).out, plain);
  const auto file = add_file("templates.txt", "a photo of a {}\n\na red {}\n");
  const auto both = run({"search", "cat", pictures_.string(), "--templates", file.string()});
  EXPECT_EQ(both.code, 0) << both.err;
  EXPECT_NE(both.out, plain);
  const auto wrong = run({"search", "cat", pictures_.string(), "--template", "no place"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_EQ(wrong.out, "");
}

TEST_F(SearchTest, AWrongSumIsNothingDone) {
  const auto finished = run({"search", "\"a\" + " + (folder_ / "absent.jpg").string(), pictures_.string()});
  EXPECT_EQ(finished.code, 2);
  EXPECT_EQ(finished.out, "");
  EXPECT_TRUE(finished.names("absent.jpg")) << finished.err;
}

TEST_F(SearchTest, AnIndexThatIsNotThereIsNotMade) {
  const auto file = pictures_ / "absent.db";
  for (const std::vector<std::string>& where :
       {std::vector<std::string>{"--db", file.string()}, {pictures_.string(), "--no-index"}}) {
    std::vector<std::string> arguments{"search", "a cat"};
    arguments.insert(arguments.end(), where.begin(), where.end());
    const auto finished = run(arguments);
    EXPECT_EQ(finished.code, 2);
    EXPECT_TRUE(finished.names("no such index")) << finished.err;
  }
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_FALSE(std::filesystem::exists(pictures_ / ".beeld.db"));
}

}  // namespace beeld::testing
