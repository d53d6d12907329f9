#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include "vision/decode/decode.h"
#include "vision/decode/png.h"
#include "vision/metadata/byte_reader.h"

namespace beeld {

namespace {

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

void read_header(const Source& source, const ByteReader& reader, std::size_t at, Png& png) {
  png.width = *reader.u32(at);
  png.height = *reader.u32(at + 4);
  png.bits = *reader.u8(at + 8);
  png.colour = *reader.u8(at + 9);
  std::copy_n(source.bytes.begin() + static_cast<std::ptrdiff_t>(at), 13, png.header.begin());
  const bool any_depth = png.bits == 8 || png.bits == 16;
  const bool small_depth = png.bits == 1 || png.bits == 2 || png.bits == 4;
  const bool known = (png.colour == Png::grey && (any_depth || small_depth)) ||
                     (png.colour == Png::indexed && (png.bits == 8 || small_depth)) ||
                     ((png.colour == Png::truecolour || png.colour == Png::grey_alpha ||
                       png.colour == Png::truecolour_alpha) &&
                      any_depth);
  if (!known || png.header[10] != 0 || png.header[11] != 0 || png.header[12] > 1) {
    fail(ErrorCode::corrupt, source,
         "PNG header with colour type " + std::to_string(png.colour) + " and " + std::to_string(png.bits) +
             " bits");
  }
  check_size(source, png.width, png.height, png.bits == 16 ? 16 : 8);
}

/// The next chunk. Of the last one of a cut file, what there is.
struct Chunk {
  std::string_view name;
  std::span<const std::uint8_t> body;
  bool cut = false, wrong_checksum = false;
};

Chunk chunk_at(const Source& source, const ByteReader& reader, std::size_t at) {
  Chunk chunk;
  const auto length = reader.u32(at);
  chunk.cut = !length || *length > 0x7FFFFFFFu || !reader.has(at, std::size_t{*length} + 12);
  if (!reader.has(at, 8)) return chunk;
  chunk.name = {reinterpret_cast<const char*>(source.bytes.data()) + at + 4, 4};
  chunk.body = source.bytes.subspan(at + 8);
  if (chunk.cut) return chunk;
  chunk.body = chunk.body.first(*length);
  // Of optional chunks nothing here depends on the checksum.
  const bool critical = (chunk.name[0] & 0x20) == 0;
  chunk.wrong_checksum = critical && crc(source.bytes.subspan(at + 4, std::size_t{*length} + 4)) !=
                                         *reader.u32(at + 8 + *length);
  return chunk;
}

void note_damage(Png& png, const std::string& damage) {
  if (png.damage.empty()) png.damage = damage;
}

void take_chunk(const Source& source, const ByteReader& reader, const Chunk& chunk, Png& png) {
  if (png.width == 0 && (chunk.name != "IHDR" || chunk.body.size() != 13))
    fail(ErrorCode::corrupt, source, "PNG without a header");
  if (chunk.wrong_checksum) {
    const auto damage = "damaged PNG: checksum of chunk " + std::string(chunk.name) + " is wrong";
    // Pixels may be damaged, what they mean may not. Behind pixels it is their length that is wrong.
    if (chunk.name != "IDAT" && chunk.name != "IEND" && png.data.empty())
      fail(ErrorCode::corrupt, source, damage);
    note_damage(png, damage);
  }
  if (chunk.name == "IHDR") {
    if (png.width != 0) fail(ErrorCode::corrupt, source, "PNG with two headers");
    read_header(source, reader, static_cast<std::size_t>(chunk.body.data() - source.bytes.data()), png);
  } else if (chunk.name == "PLTE") {
    png.palette = chunk.body;
  } else if (chunk.name == "tRNS") {
    png.transparency = chunk.body;
  } else if (chunk.name == "IDAT") {
    png.data.push_back(chunk.body);
  }
}

/// Walks all chunks, so that a cut or damaged file is known before any decoder sees it.
Png read_chunks(const Source& source) {
  const ByteReader reader(source.bytes, ByteOrder::big);
  Png png;
  for (std::size_t at = signature.size();;) {
    const auto chunk = chunk_at(source, reader, at);
    if (chunk.cut) {
      note_damage(png, "truncated PNG");
      if (chunk.name == "IDAT" && png.width != 0) png.data.push_back(chunk.body);
      break;
    }
    take_chunk(source, reader, chunk, png);
    if (chunk.name == "IEND" || (chunk.wrong_checksum && chunk.name != "IDAT")) break;
    at += chunk.body.size() + 12;
  }
  if (png.width == 0 || png.data.empty())
    fail(ErrorCode::corrupt, source, png.damage.empty() ? "PNG without picture data" : png.damage);
  if (png.colour == Png::indexed &&
      (png.palette.empty() || png.palette.size() % 3 || png.palette.size() > 768))
    fail(ErrorCode::corrupt, source, "PNG palette of " + std::to_string(png.palette.size()) + " bytes");
  return png;
}

/// The same picture with nothing but its pixels: no transparency table, which the decoder would act upon.
/// Palette indices become a grey picture, so that they survive.
std::vector<std::uint8_t> bare_png(const Png& png, std::span<const std::span<const std::uint8_t>> data) {
  std::vector<std::uint8_t> out(signature.begin(), signature.end());
  const auto append_chunk = [&out](std::string_view name, std::span<const std::uint8_t> body) {
    append_u32(out, static_cast<std::uint32_t>(body.size()));
    out.insert(out.end(), name.begin(), name.end());
    out.insert(out.end(), body.begin(), body.end());
    append_u32(out, 0);  // stb_image looks at no checksum
  };
  auto header = png.header;
  if (png.colour == Png::indexed) header[9] = Png::grey;
  append_chunk("IHDR", header);
  for (const auto part : data) append_chunk("IDAT", part);
  append_chunk("IEND", {});
  return out;
}

/// The high byte of 16-bit samples. Pillow does so with colours, and cuts grey off at 255.
std::vector<std::uint8_t> to_bytes(Raster raster) {
  if (raster.words.empty()) return std::move(raster.bytes);
  std::vector<std::uint8_t> bytes(raster.words.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(raster.words[i] >> 8);
  return bytes;
}

PixelFormat format_of(int colour) {
  switch (colour) {
    case Png::truecolour:
      return PixelFormat::rgb;
    case Png::grey_alpha:
      return PixelFormat::grey_alpha;
    case Png::truecolour_alpha:
      return PixelFormat::rgba;
    default:
      return PixelFormat::grey;
  }
}

std::uint8_t composed_on_white(int value, int alpha) {
  return static_cast<std::uint8_t>((value * alpha + 255 * (255 - alpha) + 127) / 255);
}

/// The palette, on white where its entries are transparent and that is asked for.
std::vector<std::uint8_t> palette_of(const Png& png, bool white) {
  auto palette = png.colour == Png::indexed
                     ? std::vector<std::uint8_t>(png.palette.begin(), png.palette.end())
                     : bilevel_palette();
  if (!white) return palette;
  if (png.colour == Png::grey && png.transparency.size() == 2)  // 0 or 1 is transparent
    std::fill_n(palette.begin() + 3 * (png.transparency[1] & 1), 3, std::uint8_t{255});
  for (std::size_t i = 0;
       png.colour == Png::indexed && i < std::min(png.transparency.size(), palette.size() / 3); ++i)
    for (std::size_t c = 3 * i; c < 3 * i + 3; ++c)
      palette[c] = composed_on_white(palette[c], png.transparency[i]);
  return palette;
}

/// Pixels of the one colour that is transparent become white.
template <class Sample>
void whiten(const Png& png, std::vector<Sample>& samples) {
  const std::size_t channels = png.colour == Png::truecolour ? 3 : 1;
  if (png.transparency.size() != 2 * channels || (png.colour != Png::truecolour && png.colour != Png::grey))
    return;
  std::array<int, 3> key{};
  for (std::size_t c = 0; c < channels; ++c) {
    key[c] = png.transparency[2 * c] << 8 | png.transparency[2 * c + 1];
    if (png.bits < 8) key[c] *= 255 / ((1 << png.bits) - 1);  // as grey of fewer bits arrives
  }
  for (std::size_t i = 0; i + channels <= samples.size(); i += channels) {
    if (std::equal(key.begin(), key.begin() + static_cast<std::ptrdiff_t>(channels),
                   samples.begin() + static_cast<std::ptrdiff_t>(i)))
      std::fill_n(samples.begin() + static_cast<std::ptrdiff_t>(i), channels,
                  std::numeric_limits<Sample>::max());
  }
}

/// The samples of a whole file; of a damaged one, those that came.
Raster read_samples(const Source& source, const Png& png, Salvage& salvage) {
  salvage.damage = png.damage;
  if (png.damage.empty()) {
    try {
      return decode_png_samples(source, bare_png(png, png.data));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corrupt || source.options.damaged == Damaged::refuse) throw;
      salvage.damage = "damaged PNG data";
    }
  }
  const auto stream = salvage_png(source, png, salvage);
  const std::span<const std::uint8_t> data(stream);
  return decode_png_samples(source, bare_png(png, {&data, 1}));
}

Image image_of(const Source& source, const Png& png, Raster raster) {
  const int width = raster.width, height = raster.height;
  const bool white = source.options.transparency == Transparency::on_white;
  const bool bilevel = png.colour == Png::grey && png.bits == 1;
  const bool indexed = bilevel || png.colour == Png::indexed;
  if (white && !indexed) {
    if (raster.words.empty())
      whiten(png, raster.bytes);
    else
      whiten(png, raster.words);
  }
  auto samples = to_bytes(std::move(raster));
  if (indexed) {
    // Grey of fewer than 8 bits arrives stretched to 0...255.
    const int step = 255 / ((1 << png.bits) - 1);
    for (auto& sample : samples) sample = static_cast<std::uint8_t>(sample / step);
    return expand_palette(width, height, samples, palette_of(png, white));
  }
  Image image;
  image.width = width;
  image.height = height;
  image.format = format_of(png.colour);
  image.samples = std::move(samples);
  return image;
}

}  // namespace

Image decode_png(const Source& source) {
  const Png png = read_chunks(source);
  Salvage salvage{png.height, png.height, ""};
  Raster raster = read_samples(source, png, salvage);
  if (raster.width != static_cast<int>(png.width) || raster.height != static_cast<int>(png.height))
    fail(ErrorCode::corrupt, source, "damaged PNG");
  Image image = image_of(source, png, std::move(raster));
  if (image.samples.size() != std::size_t{png.width} * png.height * image.channels())
    fail(ErrorCode::corrupt, source, "damaged PNG");
  if (!salvage.damage.empty()) mark_damaged(source, salvage, image);
  return image;
}

}  // namespace beeld
