#include "vision/decode/formats.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>

#include "tests/support/expect_error.h"
#include "tests/support/shared.h"
#include "tests/support/source_tree.h"
#include "tests/support/temporary_folder.h"
#include "tests/vision/codecs.h"
#include "vision/decode/orientation.h"
#include "vision/metadata/iso_media.h"

namespace beeld {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

const fs::path own = beeld::testing::source_folder() / "tests/vision/decode/formats";

Bytes read(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(stream), {});
}

/// Largest difference of two pictures' samples; 256 where their sizes differ.
int difference(const Image& a, const Image& b) {
  if (a.width != b.width || a.height != b.height) return 256;
  const auto left = to_rgb(a).samples, right = to_rgb(b).samples;
  int most = 0;
  for (std::size_t i = 0; i < left.size(); ++i) most = std::max(most, std::abs(left[i] - right[i]));
  return most;
}

std::vector<fs::path> files_below(const fs::path& folder, const std::string& extensions) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto extension = entry.path().extension().string();
    if (entry.is_regular_file() && !extension.empty() &&
        extensions.find(extension + " ") != std::string::npos)
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool run(const std::string& command) { return std::system((command + " > /dev/null 2>&1").c_str()) == 0; }

bool have_program(const std::string& name) { return run("command -v " + name); }

/// What the format's own tool makes of a file, as it is stored; nothing where it makes nothing of it.
std::optional<Image> by_tool(const std::string& tool, const fs::path& file) {
  const testing::TemporaryFolder folder;
  const auto png = folder / "out.png";
  if (!run(tool + " '" + file.string() + "' '" + png.string() + "'")) return std::nullopt;
  auto made = png;
  if (!fs::exists(made)) made = folder / "out-1.png";  // of several pictures
  if (!fs::exists(made)) return std::nullopt;
  return load_image(made, {.orientation = Orientation::ignore});
}

/// The tool's picture as its file says it is shown, which avifdec leaves to others.
Image shown(Image image, const fs::path& file) {
  const auto transforms = read_iso_picture(read(file)).transforms;
  if (transforms.crop) {
    const auto& crop = *transforms.crop;
    Image part = make_image(crop.width, crop.height, image.format);
    const std::size_t channels = image.channels(), row = crop.width * channels;
    for (std::size_t y = 0; y < crop.height; ++y)
      std::copy_n(&image.samples[((crop.top + y) * image.width + crop.left) * channels], row,
                  &part.samples[y * row]);
    image = part;
  }
  return turn_upright(std::move(image), transforms.orientation);
}

struct Tool {
  const char* codec;
  const char* command;
  const char* extensions;
};

void compare_with(const Tool& tool, std::size_t least) {
  const auto formats = testing::shared_folder() / "photos/formats";
  std::size_t compared = 0;
  for (const auto& file : files_below(formats, tool.extensions)) {
    const std::string codec = tool.codec;
    if (codec == "heif" && iso_media_kind(read(file)) != IsoMedia::heif) continue;
    Image image;
    std::string refused;
    try {
      image = load_image(file, {.orientation = Orientation::ignore});
    } catch (const Error& error) {
      if (error.code() == ErrorCode::unsupported) continue;
      refused = error.what();
    }
    auto expected = by_tool(tool.command, file);
    if (!expected) continue;
    if (codec == "avif") expected = shown(std::move(*expected), file);
    EXPECT_EQ(refused, "") << tool.command << " reads " << file;
    EXPECT_LE(difference(image, *expected), 1) << file;
    ++compared;
  }
  EXPECT_GE(compared, least);
}

/// The lossless file gives the samples of the PNG that it was made of; in a build without its library it is
/// refused.
void expect_samples(const char* file, const char* png, const std::string& codec) {
  const auto pictures = beeld::testing::source_folder() / "tests/vision/decode/pictures";
  if (!testing::has_codec(codec))
    return testing::expect_error(ErrorCode::unsupported, "this build of beeld lacks",
                                 [&] { load_image(own / file); });
  const Image image = load_image(own / file), expected = load_image(pictures / png);
  EXPECT_EQ(image.format, expected.format) << file;
  // heif-enc rounds to a colour space of its own, also where it is asked to lose nothing.
  EXPECT_LE(difference(image, expected), codec == "heif" ? 1 : 0) << file;
  if (codec != "heif") {
    EXPECT_EQ(image.samples, expected.samples) << file;
  }
}

// The files are made by heif-enc, avifenc and cjxl from those of pictures/.
TEST(PictureFormats, LosslessFilesGiveTheSamplesTheyWereMadeOf) {
  expect_samples("lossless.heic", "type2_8bit.png", "heif");
  expect_samples("alpha.heic", "type6_8bit.png", "heif");
  expect_samples("lossless.avif", "type2_8bit.png", "avif");
  expect_samples("alpha.avif", "type6_8bit.png", "avif");
  expect_samples("lossless.jxl", "type2_8bit.png", "jxl");
  expect_samples("alpha.jxl", "type6_8bit.png", "jxl");
  expect_samples("grey.jxl", "type0_8bit.png", "jxl");
}

TEST(PictureFormats, AvifIsTurnedAndCroppedAsItSays) {
  if (!testing::has_codec("avif"))
    GTEST_SKIP() << "SKIPPED: this build reads AVIF without libavif or not at all";
  const Image whole = load_image(own / "lossless.avif");
  // A quarter turn against the clock, then top and bottom exchanged: EXIF's 5.
  const Image turned = load_image(own / "turned.avif");
  EXPECT_EQ(turned.samples, turn_upright(whole, 5).samples);
  EXPECT_EQ(load_image(own / "turned.avif", {.orientation = Orientation::ignore}).width, turned.width);
  const Image cropped = load_image(own / "cropped.avif");  // 10 x 8 from (2, 1) on
  ASSERT_EQ(cropped.width, 10);
  ASSERT_EQ(cropped.height, 8);
  for (int y = 0; y < 8; ++y)
    for (int i = 0; i < 30; ++i)
      ASSERT_EQ(cropped.samples[y * 30 + i], whole.samples[((y + 1) * whole.width + 2) * 3 + i]) << y;
}

TEST(PictureFormats, TheLimitsHoldForEveryFormat) {
  for (const auto& entry : fs::directory_iterator(own)) {
    const auto extension = entry.path().extension().string().substr(1);
    if (!testing::has_codec(extension == "heic" ? "heif" : extension)) continue;
    testing::expect_error(ErrorCode::limit, entry.path().string() + ": ",
                          [&] { load_image(entry.path(), {.max_pixels = 80}); });
    set_decode_memory(1000);
    testing::expect_error(ErrorCode::limit, "to decode", [&] { load_image(entry.path()); });
    set_decode_memory(2LL << 30);
  }
}

TEST(PictureFormats, OfAnAnimatedWebPTheFirstFrameIsRead) {
  if (!testing::has_codec("webp")) GTEST_SKIP() << "SKIPPED: this build reads no WebP";
  const auto still =
      read(beeld::testing::source_folder() / "tests/vision/decode/pictures/alpha.webp");  // 21 x 13
  const auto number = [](std::size_t value, std::size_t size) {
    Bytes bytes;
    for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<std::uint8_t>(value >> 8 * i));
    return bytes;
  };
  const auto chunk = [&](const std::string& name, const std::vector<Bytes>& parts) {
    Bytes body;
    for (const auto& part : parts) body.insert(body.end(), part.begin(), part.end());
    Bytes out(name.begin(), name.end());
    const auto size = number(body.size(), 4);
    out.insert(out.end(), size.begin(), size.end());
    out.insert(out.end(), body.begin(), body.end());
    if (body.size() % 2) out.push_back(0);
    return out;
  };
  const Bytes stream(still.begin() + 12, still.end());
  const auto frame = [&](std::size_t left, std::size_t width) {
    return chunk("ANMF", {number(left / 2, 3), number(0, 3), number(width - 1, 3), number(12, 3),
                          number(50, 4), stream});
  };
  const auto animation = [&](const Bytes& first) {
    const auto header = chunk("VP8X", {number(0x12, 4), number(24, 3), number(14, 3)});
    auto file = chunk(
        "RIFF", {Bytes{'W', 'E', 'B', 'P'}, header, chunk("ANIM", {number(0, 6)}), first, frame(0, 21)});
    return file;
  };
  const Image whole = decode_image(still), image = decode_image(animation(frame(4, 21)));
  ASSERT_EQ(image.width, 25);
  ASSERT_EQ(image.height, 15);
  ASSERT_EQ(image.format, PixelFormat::rgba);
  for (int y = 0; y < 13; ++y)
    for (int x = 0; x < 21 * 4; ++x) ASSERT_EQ(image.samples[y * 100 + 16 + x], whole.samples[y * 84 + x]);
  EXPECT_EQ(image.samples[3], 0) << "beside the frame it is transparent";
  testing::expect_error(ErrorCode::corrupt, "damaged frame", [&] { decode_image(animation(frame(6, 21))); });
  testing::expect_error(ErrorCode::corrupt, "damaged frame", [&] { decode_image(animation(frame(0, 20))); });
}

TEST(PictureFormats, HeicEqualsHeifConvert) {
  BEELD_NEED_SHARED("photos/formats/libheif");
  if (!testing::has_codec("heif") || !have_program("heif-convert"))
    GTEST_SKIP() << "SKIPPED: no heif-convert";
  compare_with({"heif", "heif-convert", ".heic .heif .hif .HEIC "}, 20);
}

TEST(PictureFormats, AvifEqualsAvifdec) {
  BEELD_NEED_SHARED("photos/formats/libavif");
  if (!testing::has_codec("avif") || !have_program("avifdec")) GTEST_SKIP() << "SKIPPED: no avifdec";
  compare_with({"avif", "avifdec --no-strict", ".avif "}, 20);
}

TEST(PictureFormats, JpegXlEqualsDjxl) {
  BEELD_NEED_SHARED("photos/formats/jxl");
  if (!testing::has_codec("jxl") || !have_program("djxl")) GTEST_SKIP() << "SKIPPED: no djxl";
  compare_with({"jxl", "djxl", ".jxl "}, 3);
}

TEST(PictureFormats, EveryFileIsReadOrRefusedByName) {
  BEELD_NEED_SHARED("photos/formats/libheif");
  const auto formats = testing::shared_folder() / "photos/formats";
  std::size_t files = 0, read_ones = 0;
  for (const auto& entry : fs::recursive_directory_iterator(formats)) {
    if (!entry.is_regular_file()) continue;
    ++files;
    try {
      const Image image = load_image(entry.path());
      EXPECT_EQ(image.samples.size(), std::size_t(image.width) * image.height * image.channels())
          << entry.path();
      ++read_ones;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(entry.path().string()), std::string::npos) << error.what();
    }
  }
  EXPECT_EQ(files, 219u);
  if (testing::has_codec("heif") && testing::has_codec("avif") && testing::has_codec("jxl")) {
    EXPECT_GE(read_ones, 100u);
  }
}

TEST(PictureFormats, ExifExamplesAreUpright) {
  BEELD_NEED_SHARED("photos/formats/camera/landscape_1.jpg");
  const auto formats = testing::shared_folder() / "photos/formats";
  for (const auto* name :
       {"camera/landscape_3.jpg", "camera/landscape_5.jpg", "camera/landscape_7.jpg", "exif/Landscape_2.jpg",
        "exif/Landscape_4.jpg", "exif/Landscape_6.jpg", "exif/Landscape_8.jpg"}) {
    const Image image = load_image(formats / name);
    EXPECT_GT(image.width, image.height) << name;
  }
  for (const auto* name :
       {"camera/portrait_2.jpg", "camera/portrait_4.jpg", "camera/portrait_6.jpg", "camera/portrait_8.jpg",
        "exif/Portrait_3.jpg", "exif/Portrait_5.jpg", "exif/Portrait_7.jpg"}) {
    const Image image = load_image(formats / name);
    EXPECT_LT(image.width, image.height) << name;
  }
}

TEST(PictureFormats, AreKnownByTheirContent) {
  const auto starts = [](std::string head) {
    head.resize(64);
    return decoder_for({reinterpret_cast<const std::uint8_t*>(head.data()), head.size()});
  };
  const auto ftyp = [](const std::string& brand) {
    return std::string("\0\0\0\x14", 4) + "ftyp" + brand + std::string(4, '\0') + "mif1";
  };
  EXPECT_EQ(starts("\xFF\x0A"), &decode_jxl);
  EXPECT_EQ(starts(std::string("\0\0\0\x0CJXL \r\n\x87\n", 12)), &decode_jxl);
  EXPECT_EQ(starts(ftyp("heic")), &decode_heif);
  EXPECT_EQ(starts(ftyp("msf1")), &decode_heif);
  EXPECT_EQ(starts(ftyp("avif")), &decode_avif);
  EXPECT_EQ(starts(ftyp("crx ")), &decode_raw);
  EXPECT_EQ(starts("FUJIFILMCCD-RAW "), &decode_raw);
  EXPECT_EQ(starts(std::string("II*\0\x10\0\0\0CR\2\0", 12)), &decode_raw);
  EXPECT_EQ(starts(std::string("IIU\0", 4)), &decode_raw);
  EXPECT_EQ(starts(std::string("II+\0\x08\0\0\0", 8)), &decode_tiff);
  EXPECT_EQ(starts(std::string("\0\0\0\x14", 4) + "ftypmp42"), nullptr);
  const std::string video = std::string("\0\0\0\x0C", 4) + "ftypmp42";
  testing::expect_error(ErrorCode::unsupported, "clip.mp4: an ISO media file of brand 'mp42'", [&] {
    decode_image({reinterpret_cast<const std::uint8_t*>(video.data()), video.size()}, {}, "clip.mp4");
  });
}

TEST(PictureFormats, AreKnownByTheirExtensions) {
  for (const auto* extension : {"jpg", "mpo", "webp", "tif"})
    EXPECT_TRUE(is_picture_extension(extension)) << extension;
  EXPECT_EQ(is_picture_extension("heic"), testing::has_codec("heif"));
  EXPECT_EQ(is_picture_extension("avif"), testing::has_codec("heif") || testing::has_codec("avif"));
  EXPECT_EQ(is_picture_extension("jxl"), testing::has_codec("jxl"));
  EXPECT_EQ(is_picture_extension("nef"), testing::has_codec("raw"));
  EXPECT_FALSE(is_picture_extension("mp4"));
  EXPECT_FALSE(is_picture_extension(""));
}

TEST(PictureFormats, WhatAFileSaysOfItsTurnsIsOneOrientation) {
  // Pairs of irot and imir as Pillow's tests have them, and EXIF's name for both together.
  const int expected[4][2] = {{4, 2}, {5, 7}, {2, 4}, {7, 5}};
  const auto box = [](const std::string& type, const std::string& content) {
    const auto size = static_cast<char>(content.size() + 8);
    return std::string("\0\0\0", 3) + size + type + content;
  };
  for (int rotation = 0; rotation < 4; ++rotation) {
    for (int mirror = 0; mirror < 2; ++mirror) {
      const std::string properties = box("irot", std::string(1, static_cast<char>(rotation))) +
                                     box("imir", std::string(1, static_cast<char>(mirror)));
      const std::string ipma = std::string("\0\0\0\0\0\0\0\1\0\1\2\1\2", 13);
      const std::string meta = std::string(4, '\0') + box("pitm", std::string("\0\0\0\0\0\1", 6)) +
                               box("iprp", box("ipco", properties) + box("ipma", ipma));
      const std::string file = box("ftyp", "avif") + box("meta", meta);
      const auto transforms =
          read_iso_picture({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()}).transforms;
      EXPECT_TRUE(transforms.turns);
      EXPECT_EQ(transforms.orientation, expected[rotation][mirror]) << rotation << mirror;
    }
  }
}

}  // namespace
}  // namespace beeld
