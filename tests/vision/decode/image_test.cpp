#include <beeld/error.h>
#include <beeld/image.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "tests/support/expect_error.h"
#include "tests/support/source_tree.h"
#include "tests/support/temporary_folder.h"
#include "tests/vision/checksum.h"
#include "tests/vision/codecs.h"

namespace beeld {
namespace {

using Bytes = std::vector<std::uint8_t>;

const std::filesystem::path pictures = beeld::testing::source_folder() / "tests/vision/decode/pictures";

Bytes read(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(stream), {});
}

void write(const std::filesystem::path& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

struct Expected {
  std::string file, mode;
  int width = 0, height = 0;
  std::uint32_t checksum = 0;
};

std::vector<Expected> expected_pictures() {
  std::vector<Expected> rows;
  std::ifstream table(pictures / "expected.tsv");
  Expected row;
  while (table >> row.file >> row.mode >> row.width >> row.height >> std::hex >> row.checksum >> std::dec) {
    rows.push_back(row);
  }
  return rows;
}

/// True for the formats that this build cannot decode.
bool lacks(const std::string& file) {
  if (file.ends_with(".webp")) return !testing::has_codec("webp");
  return file.ends_with(".tif") && !testing::has_codec("tiff");
}

ErrorCode code_of(const Bytes& bytes, const DecodeOptions& options = {}) {
  try {
    decode_image(bytes, options, "test");
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find("[image] test: "), 0u) << error.what();
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::io;
}

TEST(Image, EveryFormatDecodesAsInPillow) {
  // 16-bit grey is called I by Pillow; LA of 16 bits is RGBA there, with equal colours.
  const std::multimap<std::string, PixelFormat> formats = {
      {"1", PixelFormat::palette}, {"P", PixelFormat::palette},       {"L", PixelFormat::grey},
      {"I", PixelFormat::grey},    {"RGB", PixelFormat::rgb},         {"LA", PixelFormat::grey_alpha},
      {"RGBA", PixelFormat::rgba}, {"RGBA", PixelFormat::grey_alpha}, {"CMYK", PixelFormat::cmyk}};
  const auto rows = expected_pictures();
  ASSERT_GT(rows.size(), 50u);
  for (const auto& row : rows) {
    if (lacks(row.file)) {
      EXPECT_EQ(code_of(read(pictures / row.file)), ErrorCode::unsupported) << row.file;
      continue;
    }
    const Image image = load_image(pictures / row.file);
    EXPECT_EQ(image.width, row.width) << row.file;
    EXPECT_EQ(image.height, row.height) << row.file;
    EXPECT_EQ(testing::crc32(to_rgb(image).samples), row.checksum) << row.file;
    const auto [first, last] = formats.equal_range(row.mode);
    EXPECT_TRUE(std::any_of(first, last, [&](const auto& entry) { return entry.second == image.format; }))
        << row.file << " is " << row.mode << " in Pillow";
    EXPECT_EQ(image.palette.empty(), image.format != PixelFormat::palette) << row.file;
  }
}

TEST(Image, ContentDecidesNotTheName) {
  const testing::TemporaryFolder folder;
  write(folder / "picture.png", read(pictures / "baseline.jpg"));
  EXPECT_EQ(load_image(folder / "picture.png").samples, load_image(pictures / "baseline.jpg").samples);
}

TEST(Image, PixelLimitIsCheckedForEveryFormat) {
  for (const auto& row : expected_pictures()) {
    if (lacks(row.file)) continue;
    const auto bytes = read(pictures / row.file);
    DecodeOptions options;
    options.max_pixels = std::int64_t{row.width} * row.height - 1;
    EXPECT_EQ(code_of(bytes, options), ErrorCode::limit) << row.file;
    ++options.max_pixels;
    EXPECT_NO_THROW(decode_image(bytes, options)) << row.file;
  }
}

TEST(Image, CutFilesAreRefusedWhereThatIsAsked) {
  const DecodeOptions strict{.damaged = Damaged::refuse};
  for (const auto& row : expected_pictures()) {
    if (lacks(row.file)) continue;
    const auto bytes = read(pictures / row.file);
    for (std::size_t length = 1; length < bytes.size(); ++length) {
      // A file that lacks only its trailer may still decode, then to the right size.
      try {
        const Image image = decode_image(std::span(bytes).first(length), strict);
        EXPECT_EQ(image.width, row.width);
        EXPECT_EQ(image.damage, "");
        EXPECT_GT(length + 16, bytes.size()) << row.file << " cut at " << length;
      } catch (const Error& error) {
        EXPECT_TRUE(error.code() == ErrorCode::corrupt || error.code() == ErrorCode::unsupported)
            << row.file << " cut at " << length << ": " << error.what();
      }
    }
    if (bytes.size() > 100) {
      EXPECT_EQ(code_of({bytes.begin(), bytes.begin() + 3 * bytes.size() / 4}, strict), ErrorCode::corrupt)
          << row.file;
    }
  }
}

TEST(Image, DamagedFilesNeverCrash) {
  for (const auto& row : expected_pictures()) {
    if (lacks(row.file)) continue;
    const auto bytes = read(pictures / row.file);
    std::uint32_t random = 12345;
    for (int round = 0; round < 300; ++round) {
      auto damaged = bytes;
      for (int i = 0; i < 1 + round % 4; ++i) {
        random = random * 1664525u + 1013904223u;
        auto& byte = damaged[(random >> 8) % damaged.size()];
        byte = static_cast<std::uint8_t>(byte ^ (1 << (random >> 29)));
      }
      DecodeOptions options;
      options.max_pixels = 1 << 20;
      try {
        const Image image = decode_image(damaged, options);
        EXPECT_EQ(image.samples.size(), std::size_t(image.width) * image.height * image.channels());
      } catch (const Error&) {
        // Refused, as it should be.
      }
    }
  }
}

TEST(Image, DamagedTiffDirectoryIsRefused) {
  auto bytes = read(pictures / "rgb.tif");
  ASSERT_GT(bytes.size(), 8u);
  for (const std::uint8_t high : Bytes{0x7F, 0xFF}) {
    bytes[7] = high;  // the directory's position
    EXPECT_EQ(code_of(bytes), ErrorCode::corrupt);
  }
}

TEST(Image, OtherContentIsNamed) {
  EXPECT_EQ(code_of({}), ErrorCode::corrupt);
  EXPECT_EQ(code_of({'h', 'e', 'l', 'l', 'o'}), ErrorCode::unsupported);
  const Bytes apple_double = {0, 5, 0x16, 7, 0, 2, 0, 0};
  try {
    decode_image(apple_double, {}, "._photo.jpg");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("AppleDouble"), std::string::npos) << error.what();
  }
  EXPECT_EQ(code_of({0xFF, 0xD8, 0xFF, 0xD9}), ErrorCode::corrupt);
}

TEST(Image, FoldersAndMissingFilesAreErrors) {
  const testing::TemporaryFolder folder;
  testing::expect_error(ErrorCode::io, "not a regular file", [&] { load_image(folder.path()); });
  try {
    load_image(folder / "absent.jpg");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
  }
}

TEST(Image, ErrorsNameTheFileAndTheFact) {
  const testing::TemporaryFolder folder;
  const auto jpeg = read(pictures / "baseline.jpg");
  const std::string zero = "P6 0 5 255\n";
  write(folder / "empty.jpg", {});
  write(folder / "cut.jpg", {jpeg.begin(), jpeg.begin() + jpeg.size() / 2});
  write(folder / "zero.png", {zero.begin(), zero.end()});
  write(folder / "text.gif", {'h', 'e', 'l', 'l', 'o'});
  write(folder / "._a.jpg", {0, 5, 0x16, 7, 0, 2, 0, 0});
  std::filesystem::create_directory(folder / "folder.jpg");
  const std::map<std::string, std::string> facts = {{"empty.jpg", "the file is empty"},
                                                    {"cut.jpg", ""},
                                                    {"zero.png", "a picture of 0x5 pixels"},
                                                    {"text.gif", "not a picture"},
                                                    {"._a.jpg", "AppleDouble"},
                                                    {"folder.jpg", "not a regular file"}};
  for (const auto& [name, fact] : facts) {
    try {
      load_image(folder / name);
      ADD_FAILURE() << name << " was accepted";
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find((folder / name).string() + ": "), std::string::npos) << message;
      EXPECT_NE(message.find(fact), std::string::npos) << message;
    }
  }
}

TEST(Image, BombsAreRefusedByTheirHeader) {
  auto png = read(pictures / "type2_8bit.png");
  auto bmp = read(pictures / "24bit.bmp");
  bmp[18 + 2] = bmp[22 + 2] = 0x40;  // width and height above 4 million
  EXPECT_EQ(code_of(bmp), ErrorCode::limit);
  auto gif = read(pictures / "partial.gif");
  gif[6] = gif[7] = gif[8] = gif[9] = 0xFF;
  EXPECT_EQ(code_of(gif), ErrorCode::limit);
  auto jpeg = read(pictures / "baseline.jpg");
  for (std::size_t i = 0; i + 8 < jpeg.size(); ++i) {
    if (jpeg[i] == 0xFF && jpeg[i + 1] == 0xC0) jpeg[i + 5] = jpeg[i + 7] = 0xFF;
  }
  EXPECT_EQ(code_of(jpeg), ErrorCode::limit);
  const std::string header = "P6 900000 900000 255\n";
  EXPECT_EQ(code_of({header.begin(), header.end()}), ErrorCode::limit);
  png.insert(png.begin() + 33, png.begin() + 8, png.begin() + 33);
  EXPECT_EQ(code_of(png), ErrorCode::corrupt);  // a second header
  const std::string empty = "P6 0 5 255\n";
  EXPECT_EQ(code_of({empty.begin(), empty.end()}), ErrorCode::corrupt);
}

TEST(Image, APngWhoseStreamHoldsMuchMoreThanItsPictureIsRefused) {
  // 2 x 2 pixels, and a stream of 100,000 bytes.
  const auto bomb = std::string(
      "\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\x00\x02\x00\x00\x00\x02\x08\x02\x00\x00\x00\xfd"
      "\xd4\x9as\x00\x00\x00xIDATx\xda\xed\xc1\x31\x01\x00\x00\x00\xc2\xa0\xf5Om\x0d\x0f\xa0\x00\x00\x00\x00"
      "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
      "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
      "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
      "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80W\x03\x86\xaf\x00\x01\x1a\x93"
      "\x0d\xdb\x00\x00\x00\x00IEND\xae\x42`\x82",
      177);
  EXPECT_EQ(code_of({bomb.begin(), bomb.end()}), ErrorCode::corrupt);
}

TEST(Image, ACanvasSmallerThanItsPictureIsRefused) {
  if (lacks(".webp")) GTEST_SKIP() << "this build reads no WebP";
  const auto with_canvas = [](std::uint8_t width, std::uint8_t height) {
    auto webp = read(pictures / "alpha.webp");
    const Bytes canvas = {'V', 'P', '8', 'X', 10, 0, 0, 0, 0x10, 0, 0, 0, --width, 0, 0, --height, 0, 0};
    webp.insert(webp.begin() + 12, canvas.begin(), canvas.end());
    webp[4] = static_cast<std::uint8_t>(webp.size() - 8),
    webp[5] = static_cast<std::uint8_t>((webp.size() - 8) >> 8);
    return webp;
  };
  EXPECT_EQ(decode_image(with_canvas(21, 13)).width, 21);
  EXPECT_EQ(code_of(with_canvas(2, 2)), ErrorCode::corrupt);
}

/// The JPEG with an EXIF block that holds nothing but the orientation.
Bytes with_orientation(const Bytes& jpeg, std::uint8_t orientation, bool little) {
  Bytes exif = {'E', 'x', 'i', 'f', 0, 0};
  const Bytes tiff_little = {'I', 'I', '*', 0, 8, 0, 0, 0,           1, 0, 0x12,
                             1,   3,   0,   1, 0, 0, 0, orientation, 0, 0, 0};
  const Bytes tiff_big = {'M',  'M', 0, '*', 0, 0, 0, 8, 0,           1, 1,
                          0x12, 0,   3, 0,   0, 0, 1, 0, orientation, 0, 0};
  const Bytes& tiff = little ? tiff_little : tiff_big;
  exif.insert(exif.end(), tiff.begin(), tiff.end());
  Bytes out(jpeg.begin(), jpeg.begin() + 2);
  const auto length = static_cast<std::uint8_t>(exif.size() + 2);
  out.insert(out.end(), {0xFF, 0xE1, 0, length});
  out.insert(out.end(), exif.begin(), exif.end());
  out.insert(out.end(), jpeg.begin() + 2, jpeg.end());
  return out;
}

TEST(Image, OrientationTurnsAllEightCases) {
  const auto jpeg = read(pictures / "baseline.jpg");
  const Image stored = decode_image(jpeg);
  const int w = stored.width, h = stored.height;
  // Where the stored pixel (x, y) appears in the upright picture, from the EXIF standard's words: orientation
  // 6 means that the stored top row is the right side.
  const auto place = [w, h](int orientation, int x, int y) -> std::pair<int, int> {
    switch (orientation) {
      case 2:
        return {w - 1 - x, y};
      case 3:
        return {w - 1 - x, h - 1 - y};
      case 4:
        return {x, h - 1 - y};
      case 5:
        return {y, x};
      case 6:
        return {h - 1 - y, x};
      case 7:
        return {h - 1 - y, w - 1 - x};
      case 8:
        return {y, w - 1 - x};
      default:
        return {x, y};
    }
  };
  for (int orientation = 0; orientation <= 9; ++orientation) {
    const auto bytes = with_orientation(jpeg, static_cast<std::uint8_t>(orientation), orientation % 2 == 0);
    const Image turned = decode_image(bytes);
    const bool sideways = orientation >= 5 && orientation <= 8;
    ASSERT_EQ(turned.width, sideways ? h : w) << orientation;
    ASSERT_EQ(turned.height, sideways ? w : h) << orientation;
    for (int y = 0; y < h; ++y) {
      for (int x = 0; x < w; ++x) {
        const auto [to_x, to_y] = place(orientation, x, y);
        for (int c = 0; c < 3; ++c) {
          ASSERT_EQ(turned.samples[3 * (to_y * turned.width + to_x) + c], stored.samples[3 * (y * w + x) + c])
              << orientation;
        }
      }
    }
    DecodeOptions options;
    options.orientation = Orientation::ignore;
    EXPECT_EQ(decode_image(bytes, options).samples, stored.samples);
  }
}

TEST(Image, FastDecodingStaysAboveThreeTimesTheTarget) {
  const auto jpeg = read(pictures / "baseline.jpg");  // 21 x 13
  DecodeOptions options;
  options.decoding = Decoding::fast;
  options.target_edge = 2;
  EXPECT_EQ(decode_image(jpeg, options).height, 7);
  options.target_edge = 1;
  EXPECT_EQ(decode_image(jpeg, options).height, 4);
  options.target_edge = 3;
  EXPECT_EQ(decode_image(jpeg, options).samples, decode_image(jpeg).samples);
}

TEST(Image, ToRgbDropsAlphaAndSubtractsInk) {
  Image image;
  image.width = image.height = 1;
  image.format = PixelFormat::rgba;
  image.samples = {9, 8, 7, 0};
  EXPECT_EQ(to_rgb(image).samples, (Bytes{9, 8, 7}));
  image.format = PixelFormat::grey_alpha;
  image.samples = {5, 0};
  EXPECT_EQ(to_rgb(image).samples, (Bytes{5, 5, 5}));
  image.format = PixelFormat::cmyk;
  image.samples = {0, 10, 200, 30};
  EXPECT_EQ(to_rgb(image).samples, (Bytes{225, 216, 49}));
}

// libtiff would keep the first width, and decode far more than was checked.
TEST(Image, ATiffTagThatOccursTwiceIsRefused) {
  const std::string width("\0\1\3\0\1\0\0\0\x10\0\0\0", 12);
  const std::string file = std::string("II*\0\x08\0\0\0\2\0", 10) + width + width + std::string(4, '\0');
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(file.data()), file.size());
  try {
    decode_image(bytes, {}, "twice.tif");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("twice.tif: TIFF tag 256 occurs twice"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace beeld
