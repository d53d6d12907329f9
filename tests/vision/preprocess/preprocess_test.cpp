#include "vision/preprocess/preprocess.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include "tests/support/expect_error.h"

namespace beeld {
namespace {

Preprocess resizing(ResizeRule rule, Size size) {
  Preprocess settings;
  settings.resize_rule = rule;
  settings.resize = size;
  return settings;
}

Image filled(int width, int height, PixelFormat format, std::uint8_t value) {
  Image image;
  image.width = width;
  image.height = height;
  image.format = format;
  image.samples.assign(std::size_t(width) * height * image.channels(), value);
  return image;
}

void expect_size(const Preprocess& settings, Size from, Size to) {
  const Size size = resized_size(settings, from);
  EXPECT_EQ(size.height, to.height);
  EXPECT_EQ(size.width, to.width);
}

TEST(Preprocess, ShortestEdgeCutsTheLongerOneOff) {
  const auto settings = resizing(ResizeRule::shortest, {224, 224});
  expect_size(settings, {683, 1024}, {224, 335});  // 335.84
  expect_size(settings, {1024, 683}, {335, 224});
  expect_size(settings, {7, 7}, {224, 224});
  expect_size(settings, {224, 500}, {224, 500});
}

TEST(Preprocess, CoverAndContainRoundHalfToEven) {
  expect_size(resizing(ResizeRule::cover, {10, 20}), {100, 100}, {20, 20});
  expect_size(resizing(ResizeRule::contain, {10, 20}), {100, 100}, {10, 10});
  expect_size(resizing(ResizeRule::contain, {8, 8}), {5, 16}, {2, 8});  // 2.5
  expect_size(resizing(ResizeRule::contain, {8, 8}), {7, 16}, {4, 8});  // 3.5
  testing::expect_error(ErrorCode::unsupported, "its shorter side becomes 0", [&] {
    resized_size(resizing(ResizeRule::contain, {8, 8}), {1, 1000});
  });
}

TEST(Preprocess, PatchBudgetIsNeverExceeded) {
  auto settings = resizing(ResizeRule::patch_budget, {});
  settings.patch_size = 16;
  settings.max_patches = 256;
  expect_size(settings, {480, 640}, {224, 288});
  expect_size(settings, {16, 16}, {256, 256});
  for (const Size& size : {Size{1, 1}, Size{1, 5000}, Size{3000, 4000}, Size{333, 77}}) {
    const Size result = resized_size(settings, size);
    EXPECT_EQ(result.height % 16, 0);
    EXPECT_EQ(result.width % 16, 0);
    EXPECT_LE(result.height / 16 * (result.width / 16), 256);
  }
}

/// The columns of a picture that counts 1, 2, 3 and so on, which a centre crop keeps; 0 is border.
std::vector<int> cropped_columns(int width, int crop, CropRule rule) {
  Image image = filled(width, 1, PixelFormat::rgb, 0);
  for (int x = 0; x < width; ++x) image.samples[3 * x] = static_cast<std::uint8_t>(x + 1);
  Preprocess settings;
  settings.crop_rule = rule;
  settings.crop = {1, crop};
  const Image result = resize_and_crop(image, settings);
  std::vector<int> columns;
  for (int x = 0; x < result.width; ++x) columns.push_back(result.samples[3 * x]);
  return columns;
}

TEST(Preprocess, CropsDifferWhereTheSpareIsThreeModuloFour) {
  using Columns = std::vector<int>;
  EXPECT_EQ(cropped_columns(7, 4, CropRule::floor), (Columns{2, 3, 4, 5}));
  EXPECT_EQ(cropped_columns(7, 4, CropRule::half_even), (Columns{3, 4, 5, 6}));
  EXPECT_EQ(cropped_columns(5, 4, CropRule::floor), (Columns{1, 2, 3, 4}));
  EXPECT_EQ(cropped_columns(5, 4, CropRule::half_even), (Columns{1, 2, 3, 4}));
  EXPECT_EQ(cropped_columns(2, 5, CropRule::floor), (Columns{0, 0, 1, 2, 0}));
  EXPECT_EQ(cropped_columns(2, 5, CropRule::half_even), (Columns{0, 1, 2, 0, 0}));
}

TEST(Preprocess, BorderOfAPaletteIsOneOfItsColours) {
  Image image = filled(2, 2, PixelFormat::palette, 9);
  image.palette = {1, 2, 3, 40, 50, 60};
  Preprocess settings;
  settings.order = ColourOrder::resize_first;
  settings.crop_rule = CropRule::half_even;
  settings.crop = {2, 4};
  EXPECT_EQ(resize_and_crop(image, settings).samples[1], 2);
  settings.border.fill(1);
  EXPECT_EQ(resize_and_crop(image, settings).samples[1], 50);
  settings.order = ColourOrder::convert_first;
  EXPECT_EQ(resize_and_crop(image, settings).samples[1], 1);
}

TEST(Preprocess, TransparentColoursWeighNothingWhenResizedFirst) {
  Image image = filled(2, 1, PixelFormat::rgba, 0);
  image.samples = {200, 100, 50, 255, 0, 0, 0, 0};
  auto settings = resizing(ResizeRule::exact, {1, 1});
  settings.filter = Filter::box;
  EXPECT_EQ(resize_and_crop(image, settings).samples, (std::vector<std::uint8_t>{100, 50, 25}));
  settings.order = ColourOrder::resize_first;
  const auto straight = resize_and_crop(image, settings).samples;
  EXPECT_NEAR(straight[0], 200, 2);
  EXPECT_NEAR(straight[1], 100, 2);
}

TEST(Preprocess, ValuesAreComputedInTheReferencesPrecision) {
  Image image = filled(1, 1, PixelFormat::rgb, 0);
  image.samples = {77, 128, 255};
  Preprocess settings;
  settings.rescaling = Rescaling::none;
  EXPECT_EQ(preprocess(image, settings).values, (std::vector<float>{77, 128, 255}));
  settings.rescaling = Rescaling::multiply;
  settings.rescale_factor = 0.00392156862745098;
  settings.normalization = Normalization{{0.5F, 0.25F, 0}, {0.5F, 2, 4}};
  const Pixels pixels = preprocess(image, settings);
  EXPECT_EQ(pixels.values[0], (static_cast<float>(77 * 0.00392156862745098) - 0.5F) / 0.5F);
  EXPECT_EQ(pixels.values[1], (static_cast<float>(128 * 0.00392156862745098) - 0.25F) / 2);
  settings.rescaling = Rescaling::divide;
  EXPECT_EQ(preprocess(image, settings).values[0], (77.0F / 255.0F - 0.5F) / 0.5F);
}

TEST(Preprocess, UncroppedGiantsAreRefused) {
  const Image image = filled(65000, 1, PixelFormat::rgb, 0);
  auto settings = resizing(ResizeRule::shortest, {224, 224});
  try {
    resize_and_crop(image, settings);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::limit);
  }
  settings.crop_rule = CropRule::floor;
  settings.crop = {224, 224};
  EXPECT_EQ(resize_and_crop(image, settings).samples.size(), 3u * 224 * 224);
}

}  // namespace
}  // namespace beeld
