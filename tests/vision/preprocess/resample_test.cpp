#include "vision/preprocess/resample.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "tests/support/expect_error.h"
#include "tests/support/source_tree.h"
#include "tests/vision/checksum.h"

namespace beeld {
namespace {

const std::map<std::string, PixelFormat> formats = {{"L", PixelFormat::grey},
                                                    {"LA", PixelFormat::grey_alpha},
                                                    {"RGB", PixelFormat::rgb},
                                                    {"RGBA", PixelFormat::rgba}};
const std::map<std::string, Filter> filters = {{"nearest", Filter::nearest},   {"box", Filter::box},
                                               {"bilinear", Filter::bilinear}, {"hamming", Filter::hamming},
                                               {"bicubic", Filter::bicubic},   {"lanczos", Filter::lanczos}};

// The same formula as in make_resample_golden.py.
Image formula_picture(PixelFormat format, int width, int height) {
  Image image;
  image.format = format;
  image.width = width;
  image.height = height;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < image.channels(); ++c) {
        const bool edge = (x / 3 + y / 5) % 4 == 0;
        const std::int64_t value =
            edge ? 255 * ((x + c) % 2) : (std::int64_t{x} * x * 3 + y * 29 + x * y + c * 67) % 256;
        image.samples.push_back(static_cast<std::uint8_t>(value));
      }
    }
  }
  return image;
}

TEST(Resample, EqualsPillowBitForBit) {
  std::ifstream golden(beeld::testing::source_folder() / "tests/vision/preprocess/resample_golden.tsv");
  std::string line;
  int cases = 0;
  while (std::getline(golden, line)) {
    std::istringstream fields(line);
    std::string mode, filter, checksum;
    int width = 0, height = 0, new_width = 0, new_height = 0;
    fields >> mode >> width >> height >> new_width >> new_height >> filter >> checksum;
    ASSERT_TRUE(fields) << line;
    const Image image = formula_picture(formats.at(mode), width, height);
    const Image resized = resample(image, {new_height, new_width}, filters.at(filter));
    EXPECT_EQ(resized.width, new_width);
    EXPECT_EQ(resized.height, new_height);
    EXPECT_EQ(testing::crc32(resized.samples), std::stoul(checksum, nullptr, 16)) << line;
    ++cases;
  }
  EXPECT_EQ(cases, 180);
}

TEST(Resample, FastPassesEqualThePlainDefinition) {
  struct Case {
    int width, height, output;
  };
  for (const auto format :
       {PixelFormat::grey, PixelFormat::grey_alpha, PixelFormat::rgb, PixelFormat::rgba}) {
    for (const auto& [width, height, output] :
         {Case{1, 1, 1}, Case{1, 5, 3}, Case{2, 2, 7}, Case{3, 4, 2}, Case{5, 2, 1}, Case{40, 9, 13},
          Case{333, 21, 17}, Case{17, 40, 90}}) {
      for (const auto filter : {Filter::box, Filter::bilinear, Filter::bicubic, Filter::lanczos}) {
        const Image image = formula_picture(format, width, height);
        const Rows rows{image.samples.data(), height, width, image.channels()};

        const auto across = resampling_weights({width, output, 0, output}, filter);
        std::vector<std::uint8_t> plain(std::size_t(height) * output * image.channels()), fast(plain.size());
        horizontal_plain(rows, across, plain.data());
        horizontal_fast(rows, across, fast.data());
        EXPECT_EQ(plain, fast) << "horizontal " << width << "x" << height << " to " << output;

        const auto down = resampling_weights({height, output, 0, output}, filter);
        plain.assign(std::size_t(output) * width * image.channels(), 1);
        fast.assign(plain.size(), 2);
        vertical_plain(rows, down, plain.data());
        vertical_fast(rows, down, fast.data());
        EXPECT_EQ(plain, fast) << "vertical " << width << "x" << height << " to " << output;
      }
    }
  }
}

TEST(Resample, WindowIsTheSameAsCroppingTheWhole) {
  for (const auto format : {PixelFormat::rgb, PixelFormat::rgba, PixelFormat::palette}) {
    const Image image = formula_picture(format, 57, 43);
    const Image whole = resample(image, {31, 70}, Filter::bicubic);
    const Window window{5, 11, 20, 33};
    const Image part = resample(image, {31, 70}, Filter::bicubic, window);
    ASSERT_EQ(part.samples.size(), std::size_t(20 * 33 * image.channels()));
    for (int y = 0; y < 20; ++y) {
      for (int i = 0; i < 33 * image.channels(); ++i) {
        const std::size_t at = ((window.top + y) * 70 + window.left) * image.channels() + i;
        ASSERT_EQ(part.samples[y * 33 * image.channels() + i], whole.samples[at]);
      }
    }
  }
}

TEST(Resample, PalettePicturesAreNeverBlended) {
  Image image = formula_picture(PixelFormat::palette, 2, 1);
  image.samples = {10, 20, 30, 200, 100, 0};
  const Image resized = resample(image, {1, 4}, Filter::bicubic);
  EXPECT_EQ(resized.samples, (std::vector<std::uint8_t>{10, 20, 30, 10, 20, 30, 200, 100, 0, 200, 100, 0}));
}

TEST(Resample, ThinPictureCostsOnlyItsWindow) {
  // The whole result would have 224 x 14,680,064 pixels.
  const Image image = formula_picture(PixelFormat::rgb, 65536, 1);
  const Image part = resample(image, {224, 65536 * 224}, Filter::bicubic, {0, 7339920, 224, 224});
  EXPECT_EQ(part.samples.size(), 224u * 224 * 3);
}

TEST(Resample, RefusesAWindowOutsideThePicture) {
  const Image image = formula_picture(PixelFormat::rgb, 4, 4);
  for (const Window& window :
       {Window{0, 0, 9, 1}, Window{-1, 0, 1, 1}, Window{0, 8, 1, 1}, Window{0, 0, 0, 1}}) {
    testing::expect_error(ErrorCode::invalid_argument, "expected a window inside a picture", [&] {
      resample(image, {8, 8}, Filter::bicubic, window);
    });
  }
  testing::expect_error(ErrorCode::invalid_argument, "expected a window inside a picture", [&] {
    resample(image, {0, 8}, Filter::bicubic);
  });
  testing::expect_error(ErrorCode::invalid_argument, "expected a window inside a picture", [&] {
    resample(image, {1LL << 40, 8}, Filter::bicubic);
  });
}

}  // namespace
}  // namespace beeld
