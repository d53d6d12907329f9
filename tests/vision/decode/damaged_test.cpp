#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "tests/support/expect_error.h"
#include "tests/support/shared.h"
#include "tests/support/source_tree.h"
#include "vision/decode/decode.h"

namespace beeld {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes read(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(stream), {});
}

const std::filesystem::path gallery = beeld::testing::source_folder() / "data/gallery";
const std::filesystem::path pictures = beeld::testing::source_folder() / "tests/vision/decode/pictures";

/// The number of first rows that two pictures have in common.
int equal_rows(const Image& a, const Image& b) {
  const std::size_t stride = std::size_t(a.width) * a.channels();
  int rows = 0;
  while (rows < a.height &&
         std::equal(a.samples.begin() + rows * stride, a.samples.begin() + (rows + 1) * stride,
                    b.samples.begin() + rows * stride))
    ++rows;
  return rows;
}

/// "... N of M rows came" as N.
int rows_that_came(const Image& image) {
  const auto at = image.damage.rfind("; ");
  return at == std::string::npos ? -1 : std::stoi(image.damage.substr(at + 2));
}

TEST(DamagedImage, ACutJpegIsReadAsFarAsItGoes) {
  const auto jpeg = read(gallery / "blue-train-on-the-grass.jpg");
  const Image whole = decode_image(jpeg);
  EXPECT_EQ(whole.damage, "");
  for (const double part : {0.7, 0.8, 0.9, 0.99}) {
    const auto length = static_cast<std::size_t>(part * double(jpeg.size()));
    const Image image = decode_image(std::span(jpeg).first(length), {}, "cut.jpg");
    EXPECT_NE(image.damage.find("damaged JPEG: Premature end of JPEG file; "), std::string::npos)
        << image.damage;
    const int came = rows_that_came(image);
    EXPECT_GE(2 * came, whole.height) << part;
    EXPECT_LT(came, whole.height) << part;
    // Chroma of the last rows depends on those below.
    EXPECT_GE(equal_rows(image, whole), came - 16) << part;
    testing::expect_error(ErrorCode::corrupt, "cut.jpg: damaged JPEG: Premature end", [&] {
      decode_image(std::span(jpeg).first(length), {.damaged = Damaged::refuse}, "cut.jpg");
    });
  }
  testing::expect_error(ErrorCode::corrupt, "rows came",
                        [&] { decode_image(std::span(jpeg).first(jpeg.size() / 4), {}, "cut.jpg"); });
}

TEST(DamagedImage, AProgressiveJpegHasAllItsRowsAfterTheFirstScan) {
  const auto jpeg = read(pictures / "progressive.jpg");
  const Image image = decode_image(std::span(jpeg).first(jpeg.size() - 20));
  EXPECT_EQ(rows_that_came(image), image.height) << image.damage;
}

TEST(DamagedImage, AZeroedSectorOfAJpegIsSkipped) {
  const auto jpeg = read(gallery / "blue-train-on-the-grass.jpg");
  const Image whole = decode_image(jpeg);
  int marked = 0;
  for (std::size_t at = jpeg.size() / 2; at + 64 < jpeg.size(); at += jpeg.size() / 20) {
    auto damaged = jpeg;
    std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>(at), 64, std::uint8_t{0});
    const Image image = decode_image(damaged);
    EXPECT_EQ(image.width, whole.width);
    EXPECT_GT(equal_rows(image, whole), whole.height / 8);
    marked += !image.damage.empty();
  }
  EXPECT_GT(marked, 0);
}

TEST(DamagedImage, ACutPngIsReadAsFarAsItGoes) {
  for (const auto* name :
       {"type0_1bit.png", "type0_16bit.png", "type2_8bit.png", "type6_16bit.png", "palette_4bit.png"}) {
    const auto png = read(pictures / name);
    const Image whole = decode_image(png);
    int partial = 0;
    for (std::size_t length = png.size() - 1; length > 33; --length) {
      const auto cut = std::span(png).first(length);
      try {
        const Image image = decode_image(cut, {}, name);
        const int came = rows_that_came(image);
        EXPECT_NE(image.damage.find("truncated PNG"), std::string::npos) << image.damage;
        EXPECT_GE(2 * came, whole.height) << name << " cut at " << length;
        EXPECT_GE(equal_rows(image, whole), came) << name << " cut at " << length;
        partial += came < whole.height;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::corrupt) << error.what();
      }
      testing::expect_error(ErrorCode::corrupt, "truncated PNG",
                            [&] { decode_image(cut, {.damaged = Damaged::refuse}, name); });
    }
    EXPECT_GT(partial, 0) << name;
  }
}

TEST(DamagedImage, AWrongChecksumIsDamageThatIsRead) {
  auto png = read(pictures / "type2_8bit.png");
  const Image whole = decode_image(png);
  png[png.size() - 13] ^= 1;  // of the pixels
  const Image image = decode_image(png);
  EXPECT_EQ(image.samples, whole.samples);
  EXPECT_NE(image.damage.find("checksum of chunk IDAT is wrong"), std::string::npos) << image.damage;
  auto header = read(pictures / "type2_8bit.png");
  header[32] ^= 1;
  testing::expect_error(ErrorCode::corrupt, "checksum of chunk IHDR", [&] { decode_image(header); });
}

TEST(DamagedImage, FilesOfEveryKindThatWasReportedAreReadAndMarked) {
  BEELD_NEED_SHARED("bugs/png_no_iend.png");
  for (const auto* name : {"png_no_iend.png", "png_cut_last20.png", "jpeg_one_bit_flipped.jpg"}) {
    const Image image = load_image(testing::shared_folder() / "bugs" / name);
    EXPECT_GE(image.width, 96) << name;
    EXPECT_NE(image.damage, "") << name;
    EXPECT_GE(2 * rows_that_came(image), image.height) << name;
  }
}

}  // namespace
}  // namespace beeld
