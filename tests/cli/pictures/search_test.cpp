#include <beeld/index.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "tests/cli/command.h"
#include "tests/support/http_server.h"
#include "tests/support/pictures.h"
#include "tests/support/source_tree.h"

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

TEST_F(SearchTest, PercentAreACosineToo) {
  const auto by_number = run({"search", "a dog", pictures_.string(), "--min-score", "0.05"}).out;
  EXPECT_EQ(run({"search", "a dog", pictures_.string(), "--min-score", "5%"}).out, by_number);
}

TEST_F(SearchTest, AFolderAloneIsAForgottenQuery) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{pictures_.string()},
                                                    {pictures_.string() + "/"},
                                                    {pictures_.string(), pictures_.string()}}) {
    auto all = arguments;
    all.insert(all.begin(), "search");
    const auto finished = run(all);
    EXPECT_EQ(finished.code, 2);
    EXPECT_TRUE(finished.names("what to search for is missing")) << finished.err;
  }
  // A file in a folder's place is called what it is.
  const auto file = add_file("notes.txt", "notes").string();
  const auto index = run({"index", file});
  EXPECT_EQ(index.code, 2);
  EXPECT_TRUE(index.names("a file, expected a folder")) << index.err;
  EXPECT_TRUE(run({"index", (folder_ / "absent").string()}).names("no such folder"));
}

TEST_F(SearchTest, WhatIsTakenOtherwiseThanItLooksIsSaid) {
  const auto finished = run({"search", "beach - people", pictures_.string()});
  EXPECT_EQ(finished.code, 0);
  EXPECT_TRUE(finished.names("a sum is written '\"beach\" - \"people\"'")) << finished.err;
  const auto sum = run({"search", "\"snow\" + \"mountain\"", pictures_.string()});
  EXPECT_EQ(sum.err, "");
  EXPECT_EQ(run({"search", "1*snow + mountain", pictures_.string()}).out, sum.out);
  const auto absent = run({"search", "missing.jpg", pictures_.string()});
  EXPECT_EQ(absent.code, 2);
  EXPECT_TRUE(absent.names("is no file")) << absent.err;
  // The tiny model knows no letters but ASCII's.
  EXPECT_FALSE(run({"search", "a boat", pictures_.string()}).names("does not know"));
}

TEST_F(SearchTest, TheModelInsideSaysWhatItCannotRead) {
  const std::string chinese = "\xe7\xba\xa2\xe8\x89\xb2\xe7\x9a\x84\xe8\x88\xb9";  // a red boat
  const auto finished = run_plain({"search", chinese, pictures_.string()});
  EXPECT_EQ(finished.code, 0);
  EXPECT_TRUE(finished.names("does not know most characters of '" + chinese + "'")) << finished.err;
  const auto classified =
      run_plain({"classify", (pictures_ / "p0.png").string(), "--labels", "dog," + chinese});
  EXPECT_TRUE(classified.names("does not know most characters of " + chinese)) << classified.err;
  EXPECT_EQ(run_plain({"search", "caf\xc3\xa9 au lait", pictures_.string()}).err, "");
}

TEST_F(SearchTest, APictureOnTheWebIsAQuery) {
  const auto picture = png_bytes(wave_picture(48, 40, 5));
  const HttpServer server([&](const HttpRequestSeen& request) {
    HttpReply reply;
    if (request.path == "/a/p5.png?size=1")
      reply.body = picture;
    else if (request.path == "/page")
      reply = {.status = 200, .body = "<html>", .headers = {{"Content-Type", "text/html"}}, .drop_after = {}};
    else if (request.path == "/cut")
      reply = {.status = 200, .body = picture, .headers = {}, .drop_after = 100};
    else if (request.path == "/text")
      reply.body = "no picture";
    else
      reply.status = request.path == "/forbidden" ? 403 : 404;
    return reply;
  });
  const auto search = [&](const std::string& query) {
    return run({"search", query, pictures_.string(), "-k", "1"});
  };
  const auto found = search(server.url() + "/a/p5.png?size=1");
  ASSERT_EQ(found.code, 0) << found.err;
  EXPECT_EQ(names_of(found.lines()).front(), "p5.png");
  EXPECT_NEAR(found.line()["score"].get<double>(), 1, 1e-5);
  EXPECT_EQ(search("\"a cat\" + 2*" + server.url() + "/a/p5.png?size=1").code, 0);
  EXPECT_EQ(search("file://" + (pictures_ / "p5.png").string()).out, found.out);
  const std::pair<const char*, const char*> wrong[] = {{"/page", "a web page, expected a picture"},
                                                       {"/gone.png", "the server has no such file"},
                                                       {"/forbidden", "status 403"},
                                                       {"/cut", "not received"},
                                                       {"/text", "not a picture"}};
  for (const auto& [path, what] : wrong) {
    const auto finished = search(server.url() + path);
    EXPECT_EQ(finished.code, 2) << path;
    EXPECT_TRUE(finished.names(server.url() + path) && finished.names(what)) << finished.err;
  }
  EXPECT_TRUE(search("http://127.0.0.1:9/a.png").names("not received"));
}

TEST_F(SearchTest, PathsAlone) {
  const auto ranking = expected("a dog");
  const std::vector<std::string> arguments = {
      "search", "a dog", pictures_.string(), "--model", model_.string(), "-k", "2"};
  auto lines = arguments, zeros = arguments;
  lines.emplace_back("--paths");
  zeros.emplace_back("-0");
  const auto first = (pictures_ / ranking[0].first).string(),
             second = (pictures_ / ranking[1].first).string();
  EXPECT_EQ(run_plain(lines).out, first + "\n" + second + "\n");
  EXPECT_EQ(run_plain(zeros).out, first + '\0' + second + '\0');
}

TEST_F(SearchTest, PreviewsComeWhereTheyAreAskedFor) {
  const std::vector<std::string> arguments = {
      "search", "a dog", pictures_.string(), "--model", model_.string(), "-k", "2"};
  const auto with = [&](const std::string& preview) {
    auto all = arguments;
    all.push_back(preview);
    return run_plain(all);
  };
  const auto count = [](const std::string& text, const std::string& part) {
    std::size_t number = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++number;
    return number;
  };
  EXPECT_EQ(count(with("--preview=kitty").out, "\x1b_Ga=T,f=24,s=48,v=40,"), 2u);
  EXPECT_EQ(count(with("--preview=iterm").out, "\x1b]1337;File=inline=1;"), 2u);
  EXPECT_EQ(count(with("--preview=sixel").out, "\x1bPq\"1;1;48;40"), 2u);
  EXPECT_EQ(with("--preview").out, run_plain(arguments).out) << "no terminal, no pictures";
  EXPECT_EQ(with("--preview=ascii").code, 2);
}

TEST_F(SearchTest, WhatIsExcludedIsNeitherReadNorShown) {
  std::filesystem::create_directories(pictures_ / "thumbs");
  write_picture(pictures_ / "thumbs/bad.png", wave_picture(48, 40, 3));
  const auto all = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"search", "a dog", pictures_.string(), "-k", "50"});
    return run(more).lines().size();
  };
  EXPECT_EQ(all({"--exclude", "thumbs"}), 8u);
  EXPECT_EQ(run({"index", pictures_.string(), "--exclude", "thumbs"}).line()["found"], 8);
  EXPECT_EQ(all({}), 9u);
  EXPECT_EQ(all({"--exclude", "thumbs", "--exclude", "p[0-3].png"}), 4u);
  EXPECT_EQ(all({"--exclude", "thumbs/*.png"}), 8u);
  EXPECT_EQ(all({"--exclude", "thumbs/", "--no-index"}), 8u);
  // The best of what is left, as many as are asked for; and nothing was forgotten.
  const auto best = names_of(run({"search", "a dog", pictures_.string(), "-k", "9"}).lines());
  const auto next = names_of(
      run({"search", "a dog", pictures_.string(), "-k", "2", "--exclude", best[0], "--exclude", best[2]})
          .lines());
  EXPECT_EQ(next, (std::vector<std::string>{best[1], best[3]}));
  EXPECT_EQ(run({"index", pictures_.string()}).line()["unchanged"], 9);
  EXPECT_EQ(run({"search", "x", pictures_.string(), "--exclude", ""}).code, 2);
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

TEST_F(SearchTest, FiltersLetOnlySomePass) {
  std::filesystem::create_directories(pictures_ / "Holiday");
  write_picture(pictures_ / "Holiday/h.png", wave_picture(48, 40, 50));
  const auto found = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"search", "a dog", pictures_.string()});
    const auto finished = run(more);
    EXPECT_EQ(finished.code, 0) << finished.err;
    return names_of(finished.lines());
  };
  EXPECT_EQ(found({"--path-contains", "holiday/"}), (std::vector<std::string>{"h.png"}));
  EXPECT_EQ(found({"--path-contains", "P3.png"}), (std::vector<std::string>{"p3.png"}));
  EXPECT_TRUE(found({"--path-contains", "nowhere"}).empty());
  EXPECT_TRUE(found({"--since", "1990"}).empty()) << "these pictures do not say when they were taken";
  EXPECT_TRUE(found({"--near", "0,0,30000"}).empty());
  EXPECT_TRUE(found({"--only-damaged"}).empty());
}

/// A JPEG file with an EXIF block that says when and where it was taken.
std::string dated_jpeg(const std::string& jpeg, const std::string& date, std::uint32_t north,
                       std::uint32_t east) {
  std::string tiff = "II*";
  const auto number = [&](std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) tiff += static_cast<char>(value >> (8 * i));
  };
  const auto entry = [&](std::uint32_t tag, std::uint32_t type, std::uint32_t count, std::uint32_t value) {
    number(tag, 2);
    number(type, 2);
    number(count, 4);
    number(value, 4);
  };
  const auto degrees = [&](std::uint32_t value) {
    for (const std::uint32_t part : {value, 1U, 30U, 1U, 0U, 1U}) number(part, 4);
  };
  number(0, 1);
  number(8, 4);
  number(2, 2);
  entry(0x8769, 4, 1, 38);
  entry(0x8825, 4, 1, 76);
  number(0, 4);
  number(1, 2);
  entry(0x9003, 2, 20, 56);
  number(0, 4);
  tiff += date + std::string(1, '\0');
  number(4, 2);
  entry(1, 2, 2, 'N');
  entry(2, 5, 3, 130);
  entry(3, 2, 2, 'E');
  entry(4, 5, 3, 154);
  number(0, 4);
  degrees(north);
  degrees(east);
  const auto length = tiff.size() + 8;
  return jpeg.substr(0, 2) + "\xFF\xE1" + static_cast<char>(length >> 8) + static_cast<char>(length) +
         std::string("Exif\0\0", 6) + tiff + jpeg.substr(2);
}

TEST_F(SearchTest, TimeAndPlaceAreInTheLinesAndFilter) {
  std::ifstream stream(source_folder() / "data/gallery/red-boat-on-the-sea.jpg", std::ios::binary);
  const std::string jpeg((std::istreambuf_iterator<char>(stream)), {});
  add_file("pictures/june.jpg", dated_jpeg(jpeg, "2023:06:24 18:05:00", 52, 4));
  add_file("pictures/july.jpg", dated_jpeg(jpeg, "2023:07:01 00:00:00", 48, 2));
  const auto found = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"search", "a dog", pictures_.string()});
    auto names = names_of(run(more).lines());
    std::sort(names.begin(), names.end());
    return names;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(found({"--since", "2023"}), (Names{"july.jpg", "june.jpg"}));
  EXPECT_EQ(found({"--since", "2023-06", "--until", "2023-06"}), (Names{"june.jpg"}));
  EXPECT_EQ(found({"--since", "2023-06-25"}), (Names{"july.jpg"}));
  EXPECT_EQ(found({"--until", "2023-06-24"}), (Names{"june.jpg"}));
  EXPECT_EQ(found({"--until", "2022"}), (Names{}));
  EXPECT_EQ(found({"--near", "52.4,4.5,20"}), (Names{"june.jpg"}));
  EXPECT_EQ(found({"--near", "50,3.5,300"}), (Names{"july.jpg", "june.jpg"}));
  const auto line = run({"search", "a dog", pictures_.string(), "--until", "2023-06"}).line();
  EXPECT_EQ(line["taken"], "2023-06-24T18:05:00");
  EXPECT_NEAR(line["place"]["latitude"].get<double>(), 52.5, 1e-9);
  EXPECT_NEAR(line["place"]["longitude"].get<double>(), 4.5, 1e-9);
}

TEST_F(SearchTest, AFilterThatIsNoneIsWrongUsage) {
  const std::vector<std::vector<std::string>> wrong = {
      {"--since", "June"},       {"--since", "2023-13"},   {"--since", "2023-02-30"}, {"--until", ""},
      {"--until", "2023-6-1-1"}, {"--until", "23"},        {"--near", "52.37,4.89"},  {"--near", "91,0,1"},
      {"--near", "0,181,1"},     {"--near", "0,0,-1"},     {"--near", "nan,0,1"},     {"--near", "a,b,c"},
      {"--since", "2023-06x"},   {"--since", "-023-06-01"}};
  for (const auto& option : wrong) {
    const auto finished = run({"search", "a dog", pictures_.string(), option[0], option[1]});
    EXPECT_EQ(finished.code, 2) << option[0] << " " << option[1];
    EXPECT_TRUE(finished.names(option[0])) << finished.err;
    EXPECT_EQ(finished.out, "");
  }
}

}  // namespace beeld::testing
