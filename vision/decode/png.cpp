#include <algorithm>
#include <array>
#include <string_view>

#include "vision/decode/byte_reader.h"
#include "vision/decode/decode.h"
#include "vision/decode/exif.h"

namespace beeld {

namespace {

enum ColourType : int { grey = 0, truecolour = 2, indexed = 3, grey_alpha = 4, truecolour_alpha = 6 };

constexpr std::array<std::uint8_t, 8> signature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value & 1 ? 0xEDB88320u ^ (value >> 1) : value >> 1;
    table[i] = value;
  }
  return table;
}();

std::uint32_t crc(std::span<const std::uint8_t> bytes) {
  std::uint32_t value = 0xFFFFFFFFu;
  for (const auto byte : bytes) value = crc_table[(value ^ byte) & 0xFF] ^ (value >> 8);
  return ~value;
}

void append_u32(std::vector<std::uint8_t>& out, std::uint32_t value) {
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

struct Png {
  std::uint32_t width = 0, height = 0;
  int bits = 0;
  int colour = 0;
  std::span<const std::uint8_t> palette;
  std::vector<std::span<const std::uint8_t>> data;  ///< IDAT chunks, each with length, name and checksum
  int orientation = 1;
  std::array<std::uint8_t, 13> header{};
};

void read_header(const Source& source, const ByteReader& reader, std::size_t at, Png& png) {
  png.width = *reader.u32(at);
  png.height = *reader.u32(at + 4);
  png.bits = *reader.u8(at + 8);
  png.colour = *reader.u8(at + 9);
  std::copy_n(source.bytes.begin() + static_cast<std::ptrdiff_t>(at), 13, png.header.begin());
  const bool any_depth = png.bits == 8 || png.bits == 16;
  const bool small_depth = png.bits == 1 || png.bits == 2 || png.bits == 4;
  const bool known =
      (png.colour == grey && (any_depth || small_depth)) ||
      (png.colour == indexed && (png.bits == 8 || small_depth)) ||
      ((png.colour == truecolour || png.colour == grey_alpha || png.colour == truecolour_alpha) && any_depth);
  if (!known || png.header[10] != 0 || png.header[11] != 0 || png.header[12] > 1) {
    fail(ErrorCode::corrupt, source,
         "PNG header with colour type " + std::to_string(png.colour) + " and " + std::to_string(png.bits) +
             " bits");
  }
  check_size(source, png.width, png.height, png.bits == 16 ? 16 : 8);
}

/// Walks all chunks, so that a cut or damaged file is known before any decoder sees it.
Png read_chunks(const Source& source) {
  const ByteReader reader(source.bytes, ByteOrder::big);
  Png png;
  bool ended = false;
  for (std::size_t at = signature.size(); !ended;) {
    const auto length = reader.u32(at);
    if (!length || *length > 0x7FFFFFFFu || !reader.has(at, std::size_t{*length} + 12))
      fail(ErrorCode::corrupt, source, "truncated PNG");
    const std::string_view name(reinterpret_cast<const char*>(source.bytes.data()) + at + 4, 4);
    const auto body = source.bytes.subspan(at + 8, *length);
    const bool critical = (name[0] & 0x20) == 0;
    if (critical &&
        crc(source.bytes.subspan(at + 4, std::size_t{*length} + 4)) != *reader.u32(at + 8 + *length))
      fail(ErrorCode::corrupt, source, "damaged PNG: checksum of chunk " + std::string(name) + " is wrong");
    if (png.width == 0 && (name != "IHDR" || *length != 13))
      fail(ErrorCode::corrupt, source, "PNG without a header");
    if (name == "IHDR") {
      if (png.width != 0) fail(ErrorCode::corrupt, source, "PNG with two headers");
      read_header(source, reader, at + 8, png);
    } else if (name == "PLTE") {
      png.palette = body;
    } else if (name == "IDAT") {
      png.data.push_back(source.bytes.subspan(at, std::size_t{*length} + 12));
    } else if (name == "eXIf") {
      png.orientation = exif_orientation(body);
    } else if (name == "IEND") {
      ended = true;
    }
    at += std::size_t{*length} + 12;
  }
  if (png.data.empty()) fail(ErrorCode::corrupt, source, "PNG without picture data");
  if (png.colour == indexed && (png.palette.empty() || png.palette.size() % 3 || png.palette.size() > 768))
    fail(ErrorCode::corrupt, source, "PNG palette of " + std::to_string(png.palette.size()) + " bytes");
  return png;
}

/// The same picture with nothing but its pixels: no transparency table, which the decoder would act upon.
/// Palette indices become a grey picture, so that they survive.
std::vector<std::uint8_t> bare_png(const Png& png) {
  std::vector<std::uint8_t> out(signature.begin(), signature.end());
  const auto append_chunk = [&out](std::string_view name, std::span<const std::uint8_t> body) {
    append_u32(out, static_cast<std::uint32_t>(body.size()));
    const std::size_t start = out.size();
    out.insert(out.end(), name.begin(), name.end());
    out.insert(out.end(), body.begin(), body.end());
    append_u32(out, crc(std::span(out).subspan(start)));
  };
  auto header = png.header;
  if (png.colour == indexed) header[9] = grey;
  append_chunk("IHDR", header);
  for (const auto chunk : png.data) out.insert(out.end(), chunk.begin(), chunk.end());
  append_chunk("IEND", {});
  return out;
}

/// Pillow keeps the high byte of 16-bit colours, but cuts 16-bit grey off at 255.
std::vector<std::uint8_t> to_bytes(Raster raster, int colour) {
  if (raster.words.empty()) return std::move(raster.bytes);
  std::vector<std::uint8_t> bytes(raster.words.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int word = raster.words[i];
    bytes[i] = static_cast<std::uint8_t>(colour == grey ? std::min(word, 255) : word >> 8);
  }
  return bytes;
}

PixelFormat format_of(int colour) {
  switch (colour) {
    case truecolour:
      return PixelFormat::rgb;
    case grey_alpha:
      return PixelFormat::grey_alpha;
    case truecolour_alpha:
      return PixelFormat::rgba;
    default:
      return PixelFormat::grey;
  }
}

}  // namespace

Decoded decode_png(const Source& source) {
  const Png png = read_chunks(source);
  const auto bare = bare_png(png);
  Raster raster = decode_png_samples(source, bare);
  const int width = static_cast<int>(png.width), height = static_cast<int>(png.height);
  if (raster.width != width || raster.height != height) fail(ErrorCode::corrupt, source, "damaged PNG");
  auto samples = to_bytes(std::move(raster), png.colour);

  Decoded decoded;
  decoded.orientation = png.orientation;
  const bool bilevel = png.colour == grey && png.bits == 1;
  if (bilevel || png.colour == indexed) {
    // Grey of fewer than 8 bits arrives stretched to 0...255.
    const int step = 255 / ((1 << png.bits) - 1);
    for (auto& sample : samples) sample = static_cast<std::uint8_t>(sample / step);
    decoded.image = expand_palette(
        width, height, samples,
        bilevel ? bilevel_palette() : std::vector<std::uint8_t>(png.palette.begin(), png.palette.end()));
    return decoded;
  }
  decoded.image.width = width;
  decoded.image.height = height;
  decoded.image.format = format_of(png.colour);
  decoded.image.samples = std::move(samples);
  if (decoded.image.samples.size() != std::size_t{png.width} * png.height * decoded.image.channels())
    fail(ErrorCode::corrupt, source, "damaged PNG");
  return decoded;
}

}  // namespace beeld
