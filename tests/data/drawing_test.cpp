#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <opencv2/core.hpp>
#include <set>

#include "data/scenes/backgrounds.h"
#include "data/scenes/draw.h"
#include "data/scenes/gallery.h"
#include "data/scenes/layout.h"
#include "data/scenes/sampling.h"
#include "tests/support/source_tree.h"
#include "tests/support/temporary_folder.h"

namespace beeld::scenes {

namespace {

bool same(const cv::Mat& a, const cv::Mat& b) { return cv::norm(a, b, cv::NORM_INF) == 0; }

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Drawing, IsAFunctionOfSceneAndSeed) {
  const Scene scene{Background::street, {Thing::car, Color::red}};
  EXPECT_TRUE(same(draw(scene, 5, 64), draw(scene, 5, 64)));
  EXPECT_FALSE(same(draw(scene, 5, 64), draw(scene, 6, 64)));
  EXPECT_EQ(draw(scene, 5, 48).size(), cv::Size(48, 48));
}

TEST(Drawing, LeavesNoPixelOfTheBackgroundUnpainted) {
  for (std::size_t background = 0; background < background_count; ++background)
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      cv::Mat black(256, 256, CV_8UC3, cv::Scalar(0, 0, 0)),
          white(256, 256, CV_8UC3, cv::Scalar(255, 255, 255));
      for (cv::Mat* canvas : {&black, &white}) {
        Dice dice(seed);
        draw_background(static_cast<Background>(background), *canvas, dice);
      }
      EXPECT_TRUE(same(black, white)) << background << " " << seed;
    }
}

// The share of pixels that another thing or colour changes on a plain background: what a model can go by.
double changed(const Scene& a, const Scene& b) {
  cv::Mat difference;
  cv::absdiff(draw(a, 3, 64), draw(b, 3, 64), difference);
  cv::Mat channels[3];
  cv::split(difference, channels);
  const cv::Mat most = cv::max(cv::max(channels[0], channels[1]), channels[2]);
  return cv::countNonZero(most > 40) / (64.0 * 64.0);
}

TEST(Drawing, ShowsEachThingDifferently) {
  for (std::size_t a = 0; a < thing_count; ++a)
    for (std::size_t b = 0; b < a; ++b) {
      const auto scene = [](std::size_t thing) {
        return Scene{Background::plain_gray, {static_cast<Thing>(thing), Color::red, Size::big}};
      };
      EXPECT_GT(changed(scene(a), scene(b)), 0.05) << a << " and " << b;
    }
}

TEST(Drawing, ShowsEachColorDifferently) {
  for (std::size_t thing = 0; thing < thing_count; ++thing)
    for (std::size_t a = 0; a < color_count; ++a)
      for (std::size_t b = 0; b < a; ++b) {
        const auto scene = [thing](std::size_t color) {
          return Scene{Background::plain_gray, {static_cast<Thing>(thing), static_cast<Color>(color)}};
        };
        EXPECT_GT(changed(scene(a), scene(b)), 0.02) << thing << ": " << a << " and " << b;
      }
}

TEST(Drawing, KeepsThingsInsideAndWhereTheSceneSays) {
  Dice dice(2);
  for (int i = 0; i < 2000; ++i) {
    const Scene scene = sample_scene(dice);
    const auto spots = lay_out(scene, dice);
    const int expected = scene.first.count + (scene.second ? scene.second->group.count : 0);
    ASSERT_EQ(std::ssize(spots), expected);
    for (const auto& [group, center, radius] : spots) {
      EXPECT_GE(std::min(center.x, center.y), radius);
      EXPECT_LE(std::max(center.x, center.y), 1 - radius);
      if (!scene.second) continue;
      const bool first = group == scene.first;
      const Relation relation = first ? scene.second->relation : inverse(scene.second->relation);
      const bool sideways = relation == Relation::left_of || relation == Relation::right_of;
      const bool before = relation == Relation::left_of || relation == Relation::above;
      EXPECT_EQ((sideways ? center.x : center.y) < 0.5, before);
    }
  }
}

TEST(Gallery, HasANameForEveryPicture) {
  std::set<std::string> names;
  for (const auto& scene : gallery_scenes()) {
    names.insert(gallery_name(scene));
    EXPECT_FALSE(vanishes(scene.first.color, scene.background)) << gallery_name(scene);
  }
  EXPECT_EQ(names.size(), gallery_scenes().size());
  EXPECT_TRUE(names.contains("red-boat-on-the-sea.jpg"));
}

TEST(Gallery, IsDrawnAsItLiesInTheRepository) {
  if (std::string(CV_VERSION) != "4.6.0") GTEST_SKIP() << "the committed pictures are of OpenCV 4.6.0";
  const testing::TemporaryFolder folder;
  write_gallery(folder.path());
  const std::filesystem::path committed = beeld::testing::source_folder() / "data/gallery";
  for (const auto& scene : gallery_scenes()) {
    const std::string name = gallery_name(scene);
    EXPECT_TRUE(content(folder / name) == content(committed / name)) << name;
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(committed), {}), std::ssize(gallery_scenes()));
}

}  // namespace

}  // namespace beeld::scenes
