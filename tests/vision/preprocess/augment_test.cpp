#include "vision/preprocess/augment.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "tests/support/expect_error.h"
#include "tests/support/pictures.h"
#include "tests/support/source_tree.h"
#include "tests/vision/checksum.h"
#include "vision/preprocess/resample.h"

namespace beeld {
namespace {

using testing::wave_picture;

Image view(const Image& image, const Augmentation& augmentation, int edge, std::uint64_t seed) {
  Random random(seed);
  return random_view(image, augmentation, edge, random);
}

/// Red counts columns and green counts rows, in steps of 2.
Image ramps(int width, int height) {
  Image image = wave_picture(width, height, 0);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      auto* pixel = image.samples.data() + (std::size_t(y) * width + x) * 3;
      pixel[0] = static_cast<std::uint8_t>(2 * x);
      pixel[1] = static_cast<std::uint8_t>(2 * y);
    }
  }
  return image;
}

Image mirrored(Image image) {
  Image out = image;
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x)
      for (int c = 0; c < 3; ++c)
        out.samples[(y * image.width + x) * 3 + c] =
            image.samples[(y * image.width + image.width - 1 - x) * 3 + c];
  return out;
}

TEST(Augment, AdjustmentsEqualPillowBitForBit) {
  // The same formula as in make_augment_golden.py.
  const auto formula_picture = [](int width, int height) {
    Image image = wave_picture(width, height, 0);
    auto* sample = image.samples.data();
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        for (int c = 0; c < 3; ++c)
          *sample++ = static_cast<std::uint8_t>((x * x * 3 + y * 29 + x * y + c * 67) % 256);
    return image;
  };
  const std::map<std::string, void (*)(Image&, float)> adjustments = {
      {"brightness", adjust_brightness}, {"contrast", adjust_contrast}, {"saturation", adjust_saturation}};
  std::ifstream golden(beeld::testing::source_folder() / "tests/vision/preprocess/augment_golden.tsv");
  std::string line;
  int cases = 0;
  while (std::getline(golden, line)) {
    std::istringstream fields(line);
    std::string name, checksum;
    double factor = 0;
    int width = 0, height = 0;
    fields >> name >> factor >> width >> height >> checksum;
    ASSERT_TRUE(fields) << line;
    Image image = formula_picture(width, height);
    adjustments.at(name)(image, static_cast<float>(factor));
    EXPECT_EQ(testing::crc32(image.samples), std::stoul(checksum, nullptr, 16)) << line;
    ++cases;
  }
  EXPECT_EQ(cases, 60);
}

TEST(Augment, NothingIsRandomByDefault) {
  const Image square = wave_picture(40, 40, 1);
  const Image expected = resample(square, {24, 24}, Filter::bicubic);
  EXPECT_EQ(view(square, {}, 24, 1).samples, expected.samples);
  EXPECT_EQ(view(square, {}, 24, 2).samples, expected.samples);
  EXPECT_EQ(view(square, {}, 40, 3).samples, square.samples);

  // Of another shape the square in the centre is left.
  const Image wide = wave_picture(60, 30, 2);
  const Image centre = resample(wide, {24, 48}, Filter::bicubic, {0, 12, 24, 24});
  const Image cropped = view(wide, {}, 24, 1);
  ASSERT_EQ(cropped.samples.size(), centre.samples.size());
  // Cropped before it is resized: the same but for what lies beyond the border.
  for (int y = 0; y < 24; ++y)
    for (int i = 4 * 3; i < 20 * 3; ++i)
      ASSERT_EQ(cropped.samples[y * 72 + i], centre.samples[y * 72 + i]) << y << " " << i;
}

TEST(Augment, FollowsFromTheSeed) {
  const Image image = wave_picture(64, 48, 3);
  const Augmentation all{
      .min_area = 0.2, .max_aspect = 1.5, .flip = 0.5, .brightness = 0.4, .contrast = 0.4, .saturation = 0.4};
  std::set<std::uint32_t> views;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const Image one = view(image, all, 32, seed);
    EXPECT_EQ(one.width, 32);
    EXPECT_EQ(one.height, 32);
    EXPECT_EQ(one.samples.size(), 32u * 32 * 3);
    EXPECT_EQ(one.samples, view(image, all, 32, seed).samples);
    views.insert(testing::crc32(one.samples));
  }
  EXPECT_EQ(views.size(), 50u);
}

TEST(Augment, FlipsAsOftenAsAsked) {
  const Image image = wave_picture(20, 20, 4);
  const Image other = mirrored(image);
  EXPECT_EQ(view(image, {.flip = 1}, 20, 0).samples, other.samples);
  EXPECT_EQ(view(other, {.flip = 1}, 20, 0).samples, image.samples);
  int flips = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed)
    flips += view(image, {.flip = 0.3}, 20, seed).samples == other.samples ? 1 : 0;
  EXPECT_NEAR(flips, 300, 75);  // five standard deviations
}

TEST(Augment, CropsHaveTheAreaAndAspectAskedFor) {
  // Where red and green count columns and rows, the range of a view's colours tells what was cropped.
  const Image image = ramps(120, 100);
  double least_area = 1;
  double most_area = 0;
  double least_aspect = 10;
  double most_aspect = 0;
  int min_left = 120;
  int max_right = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const Image crop = view(image, {.min_area = 0.25, .max_aspect = 1.6}, 200, seed);
    int low[2] = {255, 255};
    int high[2] = {0, 0};
    for (std::size_t i = 0; i < crop.samples.size(); i += 3) {
      for (int c = 0; c < 2; ++c) {
        low[c] = std::min<int>(low[c], crop.samples[i + c]);
        high[c] = std::max<int>(high[c], crop.samples[i + c]);
      }
    }
    const double width = (high[0] - low[0]) / 2.0 + 1;
    const double height = (high[1] - low[1]) / 2.0 + 1;
    least_area = std::min(least_area, width * height / 12000);
    most_area = std::max(most_area, width * height / 12000);
    least_aspect = std::min(least_aspect, width / height);
    most_aspect = std::max(most_aspect, width / height);
    min_left = std::min(min_left, low[0] / 2);
    max_right = std::max(max_right, high[0] / 2);
  }
  EXPECT_NEAR(least_area, 0.25, 0.025);
  EXPECT_GT(most_area, 0.93);
  EXPECT_LT(most_area, 1.01);
  EXPECT_NEAR(least_aspect, 1 / 1.6, 0.04);
  EXPECT_NEAR(most_aspect, 1.6, 0.06);
  EXPECT_EQ(min_left, 0);
  EXPECT_EQ(max_right, 119);
}

TEST(Augment, JitterStaysInItsRange) {
  Image grey = wave_picture(8, 8, 5);
  std::ranges::fill(grey.samples, std::uint8_t{100});
  std::set<int> seen;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const Image one = view(grey, {.brightness = 0.2}, 8, seed);
    EXPECT_EQ(std::set(one.samples.begin(), one.samples.end()).size(), 1u);
    seen.insert(one.samples.front());
  }
  EXPECT_GE(*seen.begin(), 80);
  EXPECT_LE(*seen.rbegin(), 120);
  EXPECT_GT(seen.size(), 35u);

  // A grey picture has neither contrast nor saturation to change.
  EXPECT_EQ(view(grey, {.contrast = 0.9, .saturation = 0.9}, 8, 1).samples, grey.samples);
}

TEST(Augment, ThinAndTinyPicturesHaveViews) {
  const Augmentation strong{.min_area = 0.01, .max_aspect = 4};
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 500}, {500, 1}, {2, 3}}) {
    const Image image = wave_picture(width, height, 6);
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      EXPECT_EQ(view(image, strong, 7, seed).samples.size(), 7u * 7 * 3);
      EXPECT_EQ(view(image, {}, 7, seed).samples.size(), 7u * 7 * 3);
    }
  }
}

TEST(Augment, RefusesWhatCannotBe) {
  Image grey;
  grey.format = PixelFormat::grey;
  grey.width = grey.height = 4;
  grey.samples.resize(16);
  testing::expect_error(ErrorCode::invalid_argument,
                        "expected an RGB picture and an edge of at least 1, got 1 channels",
                        [&] { view(grey, {}, 4, 0); });
  testing::expect_error(ErrorCode::invalid_argument, "expected an RGB picture and an edge of at least 1",
                        [&] { view({}, {}, 4, 0); });
  testing::expect_error(ErrorCode::invalid_argument, "and edge 0",
                        [&] { view(wave_picture(4, 4, 0), {}, 0, 0); });

  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double infinite = std::numeric_limits<double>::infinity();
  for (const auto& wrong :
       {Augmentation{.min_area = 0}, Augmentation{.min_area = 1.1}, Augmentation{.min_area = nan},
        Augmentation{.max_aspect = 0.9}, Augmentation{.max_aspect = infinite}, Augmentation{.flip = -0.1},
        Augmentation{.flip = 1.1}, Augmentation{.brightness = -1}, Augmentation{.contrast = nan},
        Augmentation{.saturation = infinite}}) {
    testing::expect_error(ErrorCode::invalid_argument, ": expected a", [&] { check_augmentation(wrong); });
  }
  EXPECT_NO_THROW(check_augmentation({}));
}

}  // namespace
}  // namespace beeld
