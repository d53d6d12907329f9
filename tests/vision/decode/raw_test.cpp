#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "tests/support/exif.h"
#include "tests/support/expect_error.h"
#include "tests/support/source_tree.h"
#include "tests/vision/codecs.h"
#include "vision/decode/decode.h"

namespace beeld {
namespace {

using Bytes = testing::ExifBytes;
using testing::ExifTag;

constexpr std::uint16_t byte = 1, two_bytes = 3, four_bytes = 4, signed_rational = 10;

/// The sensor's picture: red on the left half, blue on the right, through filters red, green / green, blue.
constexpr int width = 64, height = 48;

Bytes sensor() {
  Bytes values;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int colour = y % 2 + x % 2;  // 0 red, 1 green, 2 blue
      const bool bright = x < width / 2 ? colour == 0 : colour == 2;
      values.push_back(0);
      values.push_back(bright ? 200 : 10);
    }
  }
  return values;
}

Bytes joined(const std::vector<Bytes>& parts) {
  Bytes out;
  for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

std::vector<ExifTag> sensor_tags(std::uint32_t at) {
  return {{254, four_bytes, {0}, {}},      {256, four_bytes, {width}, {}},
          {257, four_bytes, {height}, {}}, {258, two_bytes, {16}, {}},
          {259, two_bytes, {1}, {}},       {262, two_bytes, {32803}, {}},
          {273, four_bytes, {at}, {}},     {277, two_bytes, {1}, {}},
          {278, four_bytes, {height}, {}}, {279, four_bytes, {width * height * 2}, {}},
          {33421, two_bytes, {2, 2}, {}},  {33422, byte, {0, 1, 1, 2}, {}}};
}

std::vector<ExifTag> camera_tags(std::uint32_t orientation) {
  return {{271, 2, {}, "Maker"},
          {272, 2, {}, "Camera"},
          {274, two_bytes, {orientation}, {}},
          {50706, byte, {1, 4, 0, 0}, {}},
          {50708, 2, {}, "Maker Camera"},
          {50721, signed_rational, {1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1}, {}}};
}

/// A DNG file of the sensor's values alone.
Bytes dng(std::uint32_t orientation = 1) {
  const auto block_at = [&](std::uint32_t at) {
    auto root = sensor_tags(at);
    for (const auto& tag : camera_tags(orientation)) root.push_back(tag);
    std::sort(root.begin(), root.end(), [](const auto& a, const auto& b) { return a.tag < b.tag; });
    return testing::exif_block({.root = root});
  };
  const auto size = static_cast<std::uint32_t>(block_at(0).size());
  return joined({block_at(size), sensor()});
}

/// The same, with a JPEG before it.
Bytes dng_with_preview(const Bytes& jpeg, std::uint32_t preview_width, std::uint32_t preview_height) {
  const auto block_at = [&](std::uint32_t at) {
    std::vector<ExifTag> root = {{254, four_bytes, {1}, {}},
                                 {256, four_bytes, {preview_width}, {}},
                                 {257, four_bytes, {preview_height}, {}},
                                 {258, two_bytes, {8, 8, 8}, {}},
                                 {259, two_bytes, {7}, {}},
                                 {262, two_bytes, {6}, {}},
                                 {273, four_bytes, {at + width * height * 2}, {}},
                                 {277, two_bytes, {3}, {}},
                                 {278, four_bytes, {preview_height}, {}},
                                 {279, four_bytes, {static_cast<std::uint32_t>(jpeg.size())}, {}}};
    for (const auto& tag : camera_tags(1)) root.push_back(tag);
    return testing::exif_block({.root = root, .exif = sensor_tags(at), .exif_at = 330});
  };
  const auto size = static_cast<std::uint32_t>(block_at(0).size());
  return joined({block_at(size), sensor(), jpeg});
}

Bytes read(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(stream), {});
}

/// Red and blue of a pixel.
std::pair<int, int> colours_at(const Image& image, int x, int y) {
  const auto* pixel = &image.samples[(std::size_t(y) * image.width + x) * 3];
  return {pixel[0], pixel[2]};
}

TEST(CameraRaw, IsDevelopedAtHalfSizeWithoutAPreview) {
  if (!testing::has_codec("raw")) GTEST_SKIP() << "SKIPPED: this build reads no camera raw";
  const Image image = decode_image(dng(), {}, "a.dng");
  EXPECT_EQ(image.width, width / 2);
  EXPECT_EQ(image.height, height / 2);
  EXPECT_EQ(image.format, PixelFormat::rgb);
  EXPECT_EQ(image.remark, "developed at half size, 32x24");
  const auto [left_red, left_blue] = colours_at(image, 4, 10);
  const auto [right_red, right_blue] = colours_at(image, 28, 10);
  EXPECT_GT(left_red, left_blue + 50);
  EXPECT_GT(right_blue, right_red + 50);
}

TEST(CameraRaw, IsTurnedByItsOwnTag) {
  if (!testing::has_codec("raw")) GTEST_SKIP() << "SKIPPED: this build reads no camera raw";
  const Image image = decode_image(dng(6));
  EXPECT_EQ(image.width, height / 2);
  EXPECT_EQ(image.height, width / 2);
  const auto [red, blue] = colours_at(image, 10, 4);
  EXPECT_GT(red, blue + 50) << "what was left is above";
  EXPECT_EQ(decode_image(dng(6), {.orientation = Orientation::ignore}).width, width / 2);
}

TEST(CameraRaw, ItsPreviewIsTakenWhereItIsLargeEnough) {
  if (!testing::has_codec("raw")) GTEST_SKIP() << "SKIPPED: this build reads no camera raw";
  const auto folder = beeld::testing::source_folder();
  const auto large = read(folder / "data/gallery/blue-train-on-the-grass.jpg");
  const Image preview = decode_image(large);
  const Image image = decode_image(dng_with_preview(large, preview.width, preview.height), {}, "a.dng");
  EXPECT_EQ(image.samples, preview.samples);
  EXPECT_NE(image.remark.find("the preview inside, "), std::string::npos) << image.remark;
  const auto small = read(folder / "tests/vision/decode/pictures/baseline.jpg");  // 21 x 13
  EXPECT_EQ(decode_image(dng_with_preview(small, 21, 13)).remark, "developed at half size, 32x24");
}

TEST(CameraRaw, DamageIsNamed) {
  const auto whole = dng();
  for (std::size_t length = 16; length < whole.size(); length += 7) {
    try {
      decode_image(std::span(whole).first(length), {}, "cut.dng");
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("cut.dng: "), std::string::npos) << error.what();
    }
  }
  if (!testing::has_codec("raw"))
    testing::expect_error(ErrorCode::unsupported, "lacks LibRaw", [&] { decode_image(whole, {}, "a.dng"); });
}

}  // namespace
}  // namespace beeld
