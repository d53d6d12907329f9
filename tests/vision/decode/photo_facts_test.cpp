#include "vision/decode/photo_facts.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "tests/support/exif.h"
#include "tests/support/shared.h"

namespace beeld {
namespace {

using Bytes = testing::ExifBytes;
using testing::exif_rationals, testing::exif_text, testing::ExifContent, testing::ExifTag;

constexpr std::uint16_t changed = 0x0132, taken = 0x9003, digitized = 0x9004, offset_taken = 0x9011;

std::int64_t seconds(int year, unsigned month, unsigned day, int hour, int minute, int second) {
  using namespace std::chrono;
  const auto days = sys_days(std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day));
  return days.time_since_epoch().count() * std::int64_t{86400} + hour * 3600 + minute * 60 + second;
}

Bytes read(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(stream), {});
}

/// The facts of a TIFF that is nothing but the block.
PhotoFacts facts_of(const ExifContent& content) { return read_photo_facts(testing::exif_block(content)); }

std::vector<ExifTag> place(const std::string& north, std::vector<std::uint32_t> latitude,
                           const std::string& east, std::vector<std::uint32_t> longitude) {
  return {exif_text(1, north), exif_rationals(2, std::move(latitude)), exif_text(3, east),
          exif_rationals(4, std::move(longitude))};
}

TEST(PhotoFacts, TheTimeIsTheLocalOneThatTheCameraWrote) {
  for (const bool little : {true, false}) {
    const auto facts =
        facts_of({.exif = {exif_text(taken, "2023:06:05 18:30:59"), exif_text(offset_taken, "-03:30")},
                  .little = little});
    EXPECT_EQ(facts.taken, seconds(2023, 6, 5, 18, 30, 59));
    EXPECT_EQ(facts.offset, -210);
    EXPECT_FALSE(facts.place);
  }
  EXPECT_EQ(facts_of({.exif = {exif_text(taken, "1961:04:12 06:07:00")}}).taken,
            seconds(1961, 4, 12, 6, 7, 0));
  EXPECT_FALSE(facts_of({.exif = {exif_text(taken, "2000:01:01 00:00:00")}}).offset);
}

TEST(PhotoFacts, TakenIsBetterThanDigitizedThanChanged) {
  ExifContent content{
      .root = {exif_text(changed, "2020:01:03 00:00:00")},
      .exif = {exif_text(digitized, "2020:01:02 00:00:00"), exif_text(taken, "2020:01:01 00:00:00")}};
  EXPECT_EQ(facts_of(content).taken, seconds(2020, 1, 1, 0, 0, 0));
  content.exif.back().text = "0000:00:00 00:00:00";
  EXPECT_EQ(facts_of(content).taken, seconds(2020, 1, 2, 0, 0, 0));
  content.exif.front().text = "    :  :     :  :  ";
  EXPECT_EQ(facts_of(content).taken, seconds(2020, 1, 3, 0, 0, 0));
  content.root.clear();
  EXPECT_FALSE(facts_of(content).taken);
}

TEST(PhotoFacts, ATimeThatCannotBeIsNone) {
  for (const auto* text : {"2023:02:30 10:00:00", "2023:13:01 10:00:00", "2023:01:01 24:00:00",
                           "2023:01:01 10:60:00", "2023:01:01", "yesterday", "", "-001:01:01 10:00:00"})
    EXPECT_FALSE(facts_of({.exif = {exif_text(taken, text)}}).taken) << text;
  for (const auto* text : {"+25:00", "02:00", "+2:00", "+02:61", "   :  "}) {
    const auto facts =
        facts_of({.exif = {exif_text(taken, "2023:01:01 10:00:00"), exif_text(offset_taken, text)}});
    EXPECT_TRUE(facts.taken);
    EXPECT_FALSE(facts.offset) << text;
  }
}

TEST(PhotoFacts, ThePlaceIsInDegreesNorthAndEast) {
  const auto facts =
      facts_of({.gps = place("S", {33, 1, 51, 1, 3540, 100}, "E", {151, 1, 12, 1, 4012, 100})});
  ASSERT_TRUE(facts.place);
  EXPECT_NEAR(facts.place->latitude, -33.859833, 1e-6);
  EXPECT_NEAR(facts.place->longitude, 151.211144, 1e-6);
  const auto west =
      facts_of({.gps = place("N", {40, 1, 2661, 60, 0, 1}, "W", {7399, 100, 0, 1, 0, 0}), .little = false});
  ASSERT_TRUE(west.place);
  EXPECT_NEAR(west.place->latitude, 40.739167, 1e-6);
  EXPECT_NEAR(west.place->longitude, -73.99, 1e-9);
}

TEST(PhotoFacts, APlaceThatCannotBeIsNone) {
  EXPECT_FALSE(facts_of({.gps = place("N", {91, 1}, "E", {10, 1})}).place);
  EXPECT_FALSE(facts_of({.gps = place("N", {10, 1}, "E", {181, 1})}).place);
  EXPECT_FALSE(facts_of({.gps = place("N", {0, 0, 0, 0, 0, 0}, "E", {0, 0, 0, 0, 0, 0})}).place);
  EXPECT_FALSE(facts_of({.gps = place("", {10, 1}, "E", {10, 1})}).place);
  EXPECT_FALSE(facts_of({.gps = place("X", {10, 1}, "E", {10, 1})}).place);
  EXPECT_FALSE(facts_of({.gps = {exif_text(1, "N"), exif_rationals(2, {10, 1})}}).place);
}

void append(Bytes& bytes, const std::string& text) { bytes.insert(bytes.end(), text.begin(), text.end()); }
void append_big(Bytes& bytes, std::size_t value, std::size_t size) {
  for (std::size_t i = size; i-- > 0;) bytes.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

Bytes box(const std::string& type, const Bytes& content) {
  Bytes out;
  append_big(out, content.size() + 8, 4);
  append(out, type);
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

Bytes joined(const std::vector<Bytes>& parts) {
  Bytes out;
  for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

/// A HEIC file without a picture: its EXIF item lies in the box "idat".
Bytes heic_with(const Bytes& block) {
  Bytes infe{2, 0, 0, 0, 0, 7, 0, 0};
  append(infe, std::string("Exif\0", 5));
  const Bytes iinf = joined({{0, 0, 0, 0, 0, 1}, box("infe", infe)});
  Bytes item{0, 0, 0, 6, 'E', 'x', 'i', 'f', 0, 0};
  item.insert(item.end(), block.begin(), block.end());
  Bytes iloc{1, 0, 0, 0, 0x44, 0, 0, 1, 0, 7, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0};
  append_big(iloc, item.size(), 4);
  const Bytes pitm{0, 0, 0, 0, 0, 1};
  const Bytes meta =
      joined({{0, 0, 0, 0}, box("pitm", pitm), box("iinf", iinf), box("iloc", iloc), box("idat", item)});
  Bytes brands;
  append(brands, std::string("heic\0\0\0\0mif1heic", 16));
  return joined({box("ftyp", brands), box("meta", meta)});
}

Bytes png_with(const std::string& type, const Bytes& body) {
  Bytes out;
  append(out, "\x89PNG\r\n\x1a\n");
  append_big(out, body.size(), 4);
  append(out, type);
  out.insert(out.end(), body.begin(), body.end());
  append_big(out, 0, 4);
  return out;
}

TEST(PhotoFacts, AreFoundInEveryFormat) {
  const Bytes block = testing::exif_block({.exif = {exif_text(taken, "2021:09:08 07:06:05")}});
  const auto when = seconds(2021, 9, 8, 7, 6, 5);
  EXPECT_EQ(read_photo_facts(testing::jpeg_with_exif({0xFF, 0xD8, 0xFF, 0xD9}, block)).taken, when) << "JPEG";
  EXPECT_EQ(read_photo_facts(png_with("eXIf", block)).taken, when) << "PNG";
  EXPECT_EQ(read_photo_facts(heic_with(block)).taken, when) << "HEIC";

  Bytes text;
  append(text, std::string("Raw profile type exif\0", 22));
  append(text, "\nexif\n      " + std::to_string(block.size()) + "\n");
  for (const auto byte : block) {
    char digits[4];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    append(text, digits);
  }
  EXPECT_EQ(read_photo_facts(png_with("tEXt", text)).taken, when) << "PNG with a raw profile";

  Bytes webp;
  append(webp, "RIFF....WEBPEXIF");
  for (const int shift : {0, 8, 16, 24}) webp.push_back(static_cast<std::uint8_t>(block.size() >> shift));
  webp.insert(webp.end(), block.begin(), block.end());
  EXPECT_EQ(read_photo_facts(webp).taken, when) << "WebP";

  Bytes jxl;
  append(jxl, std::string("\0\0\0\x0CJXL \r\n\x87\n", 12));
  EXPECT_EQ(read_photo_facts(joined({jxl, box("Exif", joined({{0, 0, 0, 0}, block}))})).taken, when)
      << "JPEG XL";

  const Bytes root = testing::exif_block({.root = {exif_text(taken, "2021:09:08 07:06:05")}});
  const Bytes uuid = joined({Bytes(16, 0), box("CMT1", testing::exif_block({})), box("CMT2", root)});
  Bytes brands;
  append(brands, std::string("crx \0\0\0\0", 8));
  EXPECT_EQ(read_photo_facts(joined({box("ftyp", brands), box("moov", box("uuid", uuid))})).taken, when)
      << "CR3";

  Bytes raf;
  append(raf, "FUJIFILMCCD-RAW ");
  raf.resize(84);
  const Bytes jpeg = testing::jpeg_with_exif({0xFF, 0xD8, 0xFF, 0xD9}, block);
  append_big(raf, 92, 4);
  append_big(raf, jpeg.size(), 4);
  EXPECT_EQ(read_photo_facts(joined({raf, jpeg})).taken, when) << "RAF";
}

TEST(PhotoFacts, DamageIsNeverWorseThanNone) {
  const Bytes block = testing::exif_block({.exif = {exif_text(taken, "2021:09:08 07:06:05")},
                                           .gps = place("N", {1, 1, 2, 1, 3, 1}, "E", {1, 1, 2, 1, 3, 1})});
  for (const auto& whole :
       {block, testing::jpeg_with_exif({0xFF, 0xD8, 0xFF, 0xD9}, block), heic_with(block)}) {
    for (std::size_t length = 0; length < whole.size(); ++length)
      read_photo_facts(std::span(whole).first(length));
    for (std::size_t i = 0; i < whole.size(); ++i) {
      for (const int value : {0x00, 0x7F, 0xFF}) {
        auto damaged = whole;
        damaged[i] = static_cast<std::uint8_t>(value);
        read_photo_facts(damaged);
      }
    }
  }
}

TEST(PhotoFacts, OfRealFilesAreThoseThatOtherReadersFind) {
  BEELD_NEED_SHARED("photos/formats/camera");
  const auto folder = testing::shared_folder() / "photos/formats";
  const auto facts_in = [&](const char* name) { return read_photo_facts(read(folder / name)); };
  EXPECT_EQ(facts_in("camera/Canon_40D.jpg").taken, seconds(2008, 5, 30, 15, 56, 1));
  EXPECT_EQ(facts_in("camera/kodak-dc210.jpg").taken, seconds(2000, 10, 26, 16, 46, 51));
  EXPECT_EQ(facts_in("camera/DudleyLeavittUtah.tiff").taken, seconds(2009, 9, 26, 1, 11, 52));
  EXPECT_FALSE(facts_in("camera/Picoawards.tiff").taken);
  EXPECT_FALSE(facts_in("exif/Landscape_6.jpg").taken);
  const auto arezzo = facts_in("camera/DSCN0012.jpg");
  EXPECT_EQ(arezzo.taken, seconds(2008, 10, 22, 16, 29, 49));
  ASSERT_TRUE(arezzo.place);
  EXPECT_NEAR(arezzo.place->latitude, 43.467157, 1e-6);
  EXPECT_NEAR(arezzo.place->longitude, 11.885395, 1e-6);
  const auto kenya = facts_in("camera/Kodak_CX7530.jpg").place;
  ASSERT_TRUE(kenya);
  EXPECT_NEAR(kenya->latitude, -0.3713, 1e-6);
  EXPECT_NEAR(kenya->longitude, 36.056417, 1e-6);
  for (const auto* name : {"camera/IMG_2927.HEIC", "camera/exif-at-eof.heic"}) {
    EXPECT_EQ(facts_in(name).taken, seconds(2020, 5, 4, 18, 39, 11)) << name;
    EXPECT_EQ(facts_in(name).offset, -240) << name;
  }
}

}  // namespace
}  // namespace beeld
