#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "tests/support/exif.h"
#include "tests/support/expect_error.h"
#include "tests/support/shared.h"
#include "tests/support/source_tree.h"
#include "tests/vision/codecs.h"
#include "vision/decode/decode.h"

namespace beeld {
namespace {

using Bytes = testing::ExifBytes;

const std::filesystem::path pictures = beeld::testing::source_folder() / "tests/vision/decode/pictures";

Bytes read(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(stream), {});
}

void append(Bytes& bytes, const std::string& text) { bytes.insert(bytes.end(), text.begin(), text.end()); }

void append_big(Bytes& bytes, std::uint32_t value, std::size_t size = 4) {
  for (std::size_t i = size; i-- > 0;) bytes.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

/// The PNG with a chunk behind its header.
Bytes png_with(Bytes png, const std::string& type, const Bytes& body) {
  Bytes chunk;
  append_big(chunk, static_cast<std::uint32_t>(body.size()));
  append(chunk, type);
  chunk.insert(chunk.end(), body.begin(), body.end());
  append_big(chunk, 0);  // nothing looks at the checksum of such a chunk
  png.insert(png.begin() + 33, chunk.begin(), chunk.end());
  return png;
}

/// A zlib stream of one stored block.
Bytes stored(const Bytes& content) {
  Bytes out = {0x78, 0x01, 0x01};
  const auto size = static_cast<std::uint16_t>(content.size());
  for (const std::uint16_t value : {size, static_cast<std::uint16_t>(~size)}) {
    out.push_back(static_cast<std::uint8_t>(value));
    out.push_back(static_cast<std::uint8_t>(value >> 8));
  }
  out.insert(out.end(), content.begin(), content.end());
  std::uint32_t a = 1, b = 0;
  for (const auto byte : content) a = (a + byte) % 65521, b = (b + a) % 65521;
  append_big(out, b << 16 | a);
  return out;
}

Bytes segment(std::uint8_t marker, const Bytes& body) {
  Bytes out = {0xFF, marker};
  append_big(out, static_cast<std::uint32_t>(body.size() + 2), 2);
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

Bytes jpeg_with(Bytes jpeg, const Bytes& added) {
  jpeg.insert(jpeg.begin() + 2, added.begin(), added.end());
  return jpeg;
}

std::string xmp_saying(const std::string& orientation) {
  return "<x:xmpmeta><rdf:Description " + orientation + "</rdf:Description></x:xmpmeta>";
}

TEST(ImageOrientation, IsReadAsLong) {
  const auto jpeg = read(pictures / "baseline.jpg");
  const Image stored_image = decode_image(jpeg);
  for (const bool little : {true, false}) {
    const auto block = testing::exif_block({.root = {testing::exif_long(0x0112, 6)}, .little = little});
    EXPECT_EQ(decode_image(testing::jpeg_with_exif(jpeg, block)).width, stored_image.height);
  }
}

TEST(ImageOrientation, IsReadFromXmpWhereExifHasNone) {
  const auto png = read(pictures / "type2_8bit.png");
  const auto jpeg = read(pictures / "baseline.jpg");
  const int tall = decode_image(png).height;
  const auto text = xmp_saying("tiff:Orientation=\"6\">");
  Bytes plain;
  append(plain, std::string("XML:com.adobe.xmp\0\0\0\0\0", 22) + text);
  EXPECT_EQ(decode_image(png_with(png, "iTXt", plain)).width, tall) << "iTXt";
  EXPECT_EQ(decode_image(png_with(png, "iTXt", plain), {.orientation = Orientation::ignore}).height, tall);

  Bytes packed;
  append(packed, std::string("XML:com.adobe.xmp\0\1\0\0\0", 22));
  const auto stream = stored({text.begin(), text.end()});
  packed.insert(packed.end(), stream.begin(), stream.end());
  EXPECT_EQ(decode_image(png_with(png, "iTXt", packed)).width, tall) << "packed iTXt";

  std::string raw = "\nxmp\n     " + std::to_string(text.size()) + "\n";
  for (std::size_t i = 0; i < text.size(); ++i) {
    char digits[4];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned char>(text[i]));
    raw += digits;
    if (i % 36 == 35) raw += '\n';
  }
  Bytes ztxt;
  append(ztxt, std::string("Raw profile type xmp\0\0", 22));
  const auto profile = stored({raw.begin(), raw.end()});
  ztxt.insert(ztxt.end(), profile.begin(), profile.end());
  EXPECT_EQ(decode_image(png_with(png, "zTXt", ztxt)).width, tall) << "zTXt";

  Bytes app1;
  append(app1, std::string("http://ns.adobe.com/xap/1.0/\0", 29) +
                   xmp_saying("><tiff:Orientation>8</tiff:Orientation>"));
  const auto with_xmp = jpeg_with(jpeg, segment(0xE1, app1));
  EXPECT_EQ(decode_image(with_xmp).width, tall) << "JPEG";
  const auto upright = testing::exif_block({.root = {testing::exif_short(0x0112, 1)}});
  EXPECT_EQ(decode_image(testing::jpeg_with_exif(with_xmp, upright)).height, tall)
      << "EXIF says that it is upright";

  const auto webp = read(pictures / "alpha.webp");
  if (testing::has_codec("webp")) {
    EXPECT_EQ(decode_image(webp).height, tall);
  }
}

TEST(ImageOrientation, OfOtherValuesIsNone) {
  const auto png = read(pictures / "type2_8bit.png");
  const int tall = decode_image(png).height;
  for (const auto* value : {"tiff:Orientation=\"9\">", "tiff:Orientation=\"16\">", "tiff:Orientation=\"\">",
                            "tiff:Orientation"}) {
    Bytes text;
    append(text, std::string("XML:com.adobe.xmp\0\0\0\0\0", 22) + xmp_saying(value));
    EXPECT_EQ(decode_image(png_with(png, "iTXt", text)).height, tall) << value;
  }
}

TEST(ImageOrientation, FilesThatWereReportedAreTurned) {
  BEELD_NEED_SHARED("bugs/png_xmp_orientation.png");
  for (const auto* name : {"png_xmp_orientation.png", "exif_orientation_long_le.jpg"}) {
    const auto path = testing::shared_folder() / "bugs" / name;
    EXPECT_EQ(load_image(path).width, 64) << name;
    EXPECT_EQ(load_image(path, {.orientation = Orientation::ignore}).width, 96) << name;
  }
}

TEST(ImageTransparency, IsComposedOnWhiteWhereThatIsAsked) {
  const DecodeOptions white{.transparency = Transparency::on_white};
  for (const auto* name :
       {"type6_8bit.png", "type6_16bit.png", "type4_8bit.png", "alpha.webp", "rgba.tif", "alpha.bmp"}) {
    if (std::string(name).ends_with(".webp") && !testing::has_codec("webp")) continue;
    if (std::string(name).ends_with(".tif") && !testing::has_codec("tiff")) continue;
    const Image kept = load_image(pictures / name), composed = load_image(pictures / name, white);
    const int colours = kept.channels() - 1;
    ASSERT_EQ(composed.channels(), colours) << name;
    for (std::size_t i = 0; i < composed.samples.size(); ++i) {
      const int value = kept.samples[i / colours * (colours + 1) + i % colours];
      const int alpha = kept.samples[i / colours * (colours + 1) + colours];
      ASSERT_EQ(composed.samples[i], (value * alpha + 255 * (255 - alpha) + 127) / 255) << name;
    }
  }
}

TEST(ImageTransparency, OfPalettesAndSingleColoursIsComposedToo) {
  const DecodeOptions white{.transparency = Transparency::on_white};
  const auto palette = read(pictures / "short_palette.png");  // entries 0 and 1 have an alpha of 1 and 2
  const Image kept = decode_image(palette), composed = decode_image(palette, white);
  EXPECT_EQ(kept.palette[0], 0);
  EXPECT_EQ(composed.palette[0], 254);
  EXPECT_EQ(composed.palette[6], kept.palette[6]);
  EXPECT_EQ(composed.format, PixelFormat::palette);

  const auto key = png_with(read(pictures / "type2_8bit.png"), "tRNS", [] {
    const Image image = load_image(pictures / "type2_8bit.png");
    return Bytes{0, image.samples[0], 0, image.samples[1], 0, image.samples[2]};
  }());
  const auto keyed = decode_image(key, white).samples;
  EXPECT_EQ(Bytes(keyed.begin(), keyed.begin() + 3), (Bytes{255, 255, 255}));
  EXPECT_EQ(decode_image(key).samples, load_image(pictures / "type2_8bit.png").samples);

  const auto gif = read(pictures / "partial.gif");  // nothing but index 2 beside the frame
  EXPECT_EQ(decode_image(gif, white).samples[0], 255);
  EXPECT_NE(decode_image(gif).samples[0], 255);
}

void append_fixed(Bytes& bytes, double value) {
  append_big(bytes, static_cast<std::uint32_t>(static_cast<std::int32_t>(std::lrint(value * 65536))));
}

/// An ICC profile of three primaries (XYZ under D50) and a power of 2.2.
Bytes profile_of(const std::array<std::array<double, 3>, 3>& primaries) {
  constexpr std::uint32_t header = 128, xyz_bytes = 20, curve_bytes = 16, tags = 6;
  const std::uint32_t data = header + 4 + 12 * tags;
  Bytes profile;
  append_big(profile, data + 3 * xyz_bytes + curve_bytes);
  append_big(profile, 0);
  append_big(profile, 0x02400000);
  append(profile, "mntrRGB XYZ ");
  profile.resize(36);
  append(profile, "acsp");
  profile.resize(68);
  for (const double value : {0.9642, 1.0, 0.8249}) append_fixed(profile, value);
  profile.resize(header);
  append_big(profile, tags);
  const char* names[] = {"rXYZ", "gXYZ", "bXYZ", "rTRC", "gTRC", "bTRC"};
  for (std::uint32_t i = 0; i < tags; ++i) {
    append(profile, names[i]);
    append_big(profile, data + (i < 3 ? i : 3) * xyz_bytes);
    append_big(profile, i < 3 ? xyz_bytes : curve_bytes);
  }
  for (const auto& colour : primaries) {
    append(profile, std::string("XYZ \0\0\0\0", 8));
    for (const double value : colour) append_fixed(profile, value);
  }
  append(profile, std::string("curv\0\0\0\0\0\0\0\1", 12));
  append_big(profile, 0x0233, 2);  // 2.2
  append_big(profile, 0, 2);
  return profile;
}

constexpr std::array<std::array<double, 3>, 3> display_p3 = {
    {{0.5151, 0.2412, -0.0011}, {0.2919, 0.6922, 0.0419}, {0.1572, 0.0666, 0.7841}}};

/// sRGB of a colour in Display P3 with a power of 2.2, by the definitions.
std::array<int, 3> by_definition(const std::uint8_t* colour) {
  constexpr double to_linear[3][3] = {{3.1338561, -1.6168667, -0.4906146},
                                      {-0.9787684, 1.9161415, 0.0334540},
                                      {0.0719453, -0.2289914, 1.4052427}};
  std::array<double, 3> xyz{};
  for (int c = 0; c < 3; ++c)
    for (int i = 0; i < 3; ++i) xyz[i] += std::pow(colour[c] / 255.0, 2.2) * display_p3[c][i];
  std::array<int, 3> srgb{};
  for (int c = 0; c < 3; ++c) {
    double value = 0;
    for (int i = 0; i < 3; ++i) value += to_linear[c][i] * xyz[i];
    value = std::clamp(value, 0.0, 1.0);
    value = value <= 0.0031308 ? 12.92 * value : 1.055 * std::pow(value, 1 / 2.4) - 0.055;
    srgb[c] = static_cast<int>(std::lrint(255 * value));
  }
  return srgb;
}

TEST(ImageProfile, IsAppliedWhereThatIsAsked) {
  const auto profile = profile_of(display_p3);
  const auto jpeg = read(pictures / "full_chroma.jpg"), png = read(pictures / "type2_8bit.png");
  // In two parts, in the wrong order.
  Bytes second, first;
  append(second, std::string("ICC_PROFILE\0\2\2", 14));
  second.insert(second.end(), profile.begin() + 100, profile.end());
  append(first, std::string("ICC_PROFILE\0\1\2", 14));
  first.insert(first.end(), profile.begin(), profile.begin() + 100);
  auto parts = segment(0xE2, second);
  const auto other = segment(0xE2, first);
  parts.insert(parts.end(), other.begin(), other.end());
  Bytes iccp;
  append(iccp, std::string("P3\0\0", 4));
  const auto stream = stored(profile);
  iccp.insert(iccp.end(), stream.begin(), stream.end());
  for (const auto& file : {jpeg_with(jpeg, parts), png_with(png, "iCCP", iccp)}) {
    const Image as_stored = decode_image(file);
    if (!testing::has_codec("icc")) {
      testing::expect_error(ErrorCode::unsupported, "lacks Little CMS",
                            [&] { decode_image(file, {.profile = ColorProfile::apply}); });
      continue;
    }
    const Image srgb = decode_image(file, {.profile = ColorProfile::apply});
    ASSERT_EQ(srgb.samples.size(), as_stored.samples.size());
    int changed = 0;
    for (std::size_t i = 0; i < srgb.samples.size(); i += 3) {
      const auto expected = by_definition(&as_stored.samples[i]);
      for (std::size_t c = 0; c < 3; ++c) {
        ASSERT_NEAR(srgb.samples[i + c], expected[c], 2) << i;
        changed += std::abs(srgb.samples[i + c] - as_stored.samples[i + c]) > 5;
      }
    }
    EXPECT_GT(changed, 50);
  }
}

TEST(ImageProfile, ThatIsAbsentOrDamagedChangesNothing) {
  for (const auto* name :
       {"full_chroma.jpg", "bad_profile.png", "type0_8bit.png", "palette_8bit.png", "cmyk.jpg"}) {
    const Image image = load_image(pictures / name, {.profile = ColorProfile::apply});
    EXPECT_EQ(image.samples, load_image(pictures / name).samples) << name;
  }
  if (!testing::has_codec("icc")) return;
  Bytes body;
  append(body, std::string("ICC_PROFILE\0\1\1", 14) + std::string(200, 'x'));
  const auto jpeg = jpeg_with(read(pictures / "full_chroma.jpg"), segment(0xE2, body));
  EXPECT_EQ(decode_image(jpeg, {.profile = ColorProfile::apply}).samples, decode_image(jpeg).samples);
}

/// A TIFF of one strip.
Bytes tiff(std::uint32_t width, std::uint32_t height, std::vector<testing::ExifTag> more,
           const Bytes& pixels) {
  const auto block_at = [&](std::uint32_t at) {
    auto root = more;
    root.push_back(testing::exif_long(256, width));
    root.push_back(testing::exif_long(257, height));
    root.push_back(testing::exif_long(273, at));
    root.push_back(testing::exif_long(279, static_cast<std::uint32_t>(pixels.size())));
    std::sort(root.begin(), root.end(), [](const auto& a, const auto& b) { return a.tag < b.tag; });
    return testing::exif_block({.root = root});
  };
  auto file = block_at(static_cast<std::uint32_t>(block_at(0).size()));
  file.insert(file.end(), pixels.begin(), pixels.end());
  return file;
}

TEST(TiffSamples, OfFloatsAreStretchedFromTheirOwnRange) {
  if (!testing::has_codec("tiff")) GTEST_SKIP() << "SKIPPED: this build reads no TIFF";
  const float values[] = {-2, 0, 2, NAN, INFINITY, -1};
  Bytes pixels(sizeof values);
  std::memcpy(pixels.data(), values, sizeof values);
  const auto file = tiff(
      3, 2, {testing::exif_short(258, 32), testing::exif_short(262, 1), testing::exif_short(339, 3)}, pixels);
  const Image image = decode_image(file);
  EXPECT_EQ(image.format, PixelFormat::grey);
  EXPECT_EQ(image.samples, (Bytes{0, 128, 255, 0, 255, 64}));
}

TEST(TiffSamples, OfFewAndManyBitsAreScaled) {
  if (!testing::has_codec("tiff")) GTEST_SKIP() << "SKIPPED: this build reads no TIFF";
  const auto grey = [](std::uint32_t bits, std::uint32_t photometric) {
    return std::vector{testing::exif_short(258, bits), testing::exif_short(262, photometric)};
  };
  EXPECT_EQ(decode_image(tiff(2, 1, grey(16, 1), {0x34, 0x12, 0xFF, 0xFF})).samples, (Bytes{0x12, 0xFF}));
  EXPECT_EQ(decode_image(tiff(2, 1, grey(16, 0), {0x34, 0x12, 0xFF, 0xFF})).samples, (Bytes{0xED, 0}));
  EXPECT_EQ(decode_image(tiff(3, 1, grey(4, 1), {0x0F, 0x80})).samples, (Bytes{0, 255, 136}));
  EXPECT_EQ(decode_image(tiff(4, 1, grey(2, 0), {0x1B})).samples, (Bytes{255, 170, 85, 0}));
}

TEST(TiffSamples, OfOtherKindsAreRefusedByName) {
  const auto refused = [](std::uint32_t bits, std::uint32_t format, const std::string& part) {
    const auto file = tiff(
        1, 1, {testing::exif_short(258, bits), testing::exif_short(262, 1), testing::exif_short(339, format)},
        Bytes(16, 0));
    testing::expect_error(ErrorCode::unsupported, part, [&] { decode_image(file, {}, "a.tif"); });
  };
  refused(16, 2, "a.tif: TIFF samples that are signed or complex numbers");
  refused(16, 3, "TIFF samples of 16 bits, floating point");
  refused(12, 1, "TIFF samples of 12 bits");
}

TEST(TiffSamples, OfScientificFilesThatWereReported) {
  BEELD_NEED_SHARED("bugs/float32.tif");
  if (!testing::has_codec("tiff")) GTEST_SKIP() << "SKIPPED: this build reads no TIFF";
  for (const auto* name : {"float32.tif", "bigtiff.tif"}) {
    const Image image = load_image(testing::shared_folder() / "bugs" / name);
    EXPECT_EQ(image.width, 96) << name;
    EXPECT_EQ(image.height, 64) << name;
    const auto [low, high] = std::minmax_element(image.samples.begin(), image.samples.end());
    EXPECT_LT(*low + 100, *high) << name;
  }
}

TEST(ImagePixels, MayBeMoreWhereThatIsAllowed) {
  BEELD_NEED_SHARED("bugs/huge_20000x13000.png");
  const auto path = testing::shared_folder() / "bugs/huge_20000x13000.png";
  testing::expect_error(ErrorCode::limit, "20000x13000 pixels", [&] { load_image(path); });
  set_decode_memory(1 << 20);
  testing::expect_error(ErrorCode::limit, "to decode",
                        [&] { load_image(path, {.max_pixels = 300'000'000}); });
  set_decode_memory(2LL << 30);
}

TEST(Grey16, IsScaledAsColoursAre) {
  BEELD_NEED_SHARED("bugs/grey16.png");
  const Image image = load_image(testing::shared_folder() / "bugs/grey16.png");
  const auto [low, high] = std::minmax_element(image.samples.begin(), image.samples.end());
  EXPECT_LT(*low + 100, *high);
  EXPECT_LT(std::count(image.samples.begin(), image.samples.end(), 255),
            std::ptrdiff_t(image.samples.size() / 10));
}

}  // namespace
}  // namespace beeld
