#include <algorithm>
#include <set>

#include "vision/decode/byte_reader.h"
#include "vision/decode/decode.h"
#include "vision/decode/exif.h"
#include "vision/decode/orientation.h"

namespace beeld {

namespace {

enum Photometric : std::uint32_t {
  white_is_zero = 0,
  black_is_zero = 1,
  truecolour = 2,
  indexed = 3,
  inks = 5,
  luminance_chrominance = 6,
  cie_lab = 8
};

bool is_known(std::uint32_t photometric) {
  return photometric <= indexed || photometric == inks || photometric == luminance_chrominance ||
         photometric == cie_lab;
}

enum Extra : std::uint32_t { unspecified = 0, premultiplied_alpha = 1, straight_alpha = 2 };

struct Tiff {
  std::int64_t width = 0, height = 0;
  std::int64_t tile_width = 0, tile_height = 0;  ///< 0 where the picture is in strips.
  std::uint32_t bits = 1;
  std::uint32_t photometric = black_is_zero;
  std::uint32_t channels = 1;
  std::size_t orientation_at = 0;     ///< Where the orientation's value stands, or 0.
  std::size_t extra_at = 0;           ///< Where the meaning of the fourth sample stands, or 0.
  std::uint32_t extra = unspecified;  ///< The meaning of the fourth sample.
  std::vector<std::uint8_t> palette;  ///< RGB triples
};

/// The high bytes of a colour map, which stores all reds, then all greens, then all blues.
std::vector<std::uint8_t> read_palette(const ByteReader& reader, std::size_t entry) {
  const std::size_t colours = reader.u32(entry + 4).value_or(0) / 3;
  const std::size_t at = reader.u32(entry + 8).value_or(0);
  std::vector<std::uint8_t> palette;
  if (colours > 256 || !reader.has(at, 6 * colours)) return palette;
  for (std::size_t i = 0; i < 3 * colours; ++i)
    palette.push_back(static_cast<std::uint8_t>(*reader.u16(at + 2 * (i / 3 + i % 3 * colours)) >> 8));
  return palette;
}

/// Value `index` of a directory entry of type SHORT or LONG; 0 where it lies outside the file.
std::uint32_t value_of(const ByteReader& reader, std::size_t entry, std::size_t index = 0) {
  constexpr std::uint16_t type_short = 3;
  const bool is_short = reader.u16(entry + 2) == type_short;
  const std::uint32_t count = reader.u32(entry + 4).value_or(0);
  const std::uint32_t inline_count = is_short ? 2 : 1;
  const std::size_t at = count > inline_count ? reader.u32(entry + 8).value_or(0) : entry + 8;
  if (is_short) return reader.u16(at + 2 * index).value_or(0);
  return reader.u32(at + 4 * index).value_or(0);
}

/// Decoders fill up what is missing; here a strip or tile outside the file is an error.
void check_segments(const Source& source, const ByteReader& reader, std::size_t offsets,
                    std::size_t lengths) {
  const std::size_t count = offsets == 0 ? 0 : reader.u32(offsets + 4).value_or(0);
  if (count == 0 || count > source.bytes.size()) fail(ErrorCode::corrupt, source, "TIFF without pixels");
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t length = lengths == 0 ? 1 : value_of(reader, lengths, i);
    if (length == 0 || !reader.has(value_of(reader, offsets, i), length))
      fail(ErrorCode::corrupt, source, "truncated TIFF");
  }
}

/// libtiff keeps the first of two entries and knows types of 64 bits. A size that it could read otherwise
/// than check_size() did would be no limit.
void check_entry(const Source& source, const ByteReader& reader, std::size_t entry,
                 std::set<std::uint16_t>& seen) {
  constexpr std::uint16_t type_short = 3, type_long = 4;
  constexpr std::uint16_t numbers[] = {256, 257, 258, 262, 273, 277, 279, 322, 323, 324, 325};
  const auto tag = *reader.u16(entry), type = *reader.u16(entry + 2);
  if (!seen.insert(tag).second)
    fail(ErrorCode::corrupt, source, "TIFF tag " + std::to_string(tag) + " occurs twice");
  if (std::count(std::begin(numbers), std::end(numbers), tag) && type != type_short && type != type_long)
    fail(
        ErrorCode::corrupt, source,
        "TIFF tag " + std::to_string(tag) + " has type " + std::to_string(type) + "; expected SHORT or LONG");
}

Tiff read_directory(const Source& source, const ByteReader& reader) {
  const auto directory = reader.u32(4);
  const auto entries = directory ? reader.u16(*directory) : std::nullopt;
  if (!entries || !reader.has(std::size_t{*directory} + 2, std::size_t{*entries} * 12))
    fail(ErrorCode::corrupt, source, "truncated TIFF");
  Tiff tiff;
  std::size_t offsets = 0, lengths = 0;
  std::set<std::uint16_t> seen;
  for (std::size_t i = 0; i < *entries; ++i) {
    const std::size_t entry = std::size_t{*directory} + 2 + 12 * i;
    check_entry(source, reader, entry, seen);
    const std::uint32_t value = value_of(reader, entry);
    switch (*reader.u16(entry)) {
      case 256:
        tiff.width = value;
        break;
      case 257:
        tiff.height = value;
        break;
      case 258:
        tiff.bits = value;
        break;
      case 322:
        tiff.tile_width = value;
        break;
      case 323:
        tiff.tile_height = value;
        break;
      case 262:
        tiff.photometric = value;
        break;
      case 273:
      case 324:
        offsets = entry;
        break;
      case 279:
      case 325:
        lengths = entry;
        break;
      case 274:
        tiff.orientation_at = entry + 8;
        break;
      case 277:
        tiff.channels = value;
        break;
      case 338:
        tiff.extra_at = reader.u32(entry + 4) == 1u ? entry + 8 : 0;
        tiff.extra = value;
        break;
      case 320:
        tiff.palette = read_palette(reader, entry);
        break;
      default:
        break;
    }
  }
  check_segments(source, reader, offsets, lengths);
  if (!seen.contains(262)) fail(ErrorCode::corrupt, source, "TIFF without a photometric interpretation");
  if (!is_known(tiff.photometric)) {
    fail(ErrorCode::unsupported, source,
         "TIFF of photometric interpretation " + std::to_string(tiff.photometric));
  }
  if (tiff.photometric == indexed && tiff.palette.empty())
    fail(ErrorCode::corrupt, source, "TIFF without its colour map");
  return tiff;
}

/// Keeps the first `kept` of every `channels` samples, 16-bit ones as Pillow does: grey is cut off at 255,
/// colours keep their high byte.
std::vector<std::uint8_t> first_channels(const Raster& raster, int kept) {
  const std::size_t pixels = std::size_t(raster.width) * raster.height;
  std::vector<std::uint8_t> samples(pixels * kept);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const std::size_t at = i / kept * raster.channels + i % kept;
    if (!raster.bytes.empty()) {
      samples[i] = raster.bytes[at];
    } else {
      const int word = raster.words[at];
      samples[i] = static_cast<std::uint8_t>(raster.channels == 1 ? std::min(word, 255) : word >> 8);
    }
  }
  return samples;
}

/// Divides colours by alpha, as Pillow does when it opens such a file.
void make_alpha_straight(Image& image) {
  for (std::size_t i = 0; i < image.samples.size(); i += 4) {
    const int alpha = image.samples[i + 3];
    for (std::size_t c = i; c < i + 3; ++c)
      image.samples[c] =
          static_cast<std::uint8_t>(alpha == 0 ? 0 : std::min(255, 255 * image.samples[c] / alpha));
  }
}

Image image_of(const Tiff& tiff, const Raster& raster) {
  const bool grey = tiff.photometric <= black_is_zero && tiff.channels == 1;
  if (grey && tiff.bits == 1) {
    auto indices = first_channels(raster, 1);
    for (auto& index : indices) index = index > 127;
    return expand_palette(raster.width, raster.height, indices, bilevel_palette());
  }
  Image image;
  image.width = raster.width;
  image.height = raster.height;
  if (grey || raster.channels == 1) {
    image.format = PixelFormat::grey;
  } else if (tiff.photometric == indexed) {
    image.format = PixelFormat::palette;
    image.palette = tiff.palette;
  } else {
    const bool alpha = tiff.photometric == truecolour && tiff.channels == 4 && tiff.extra != unspecified;
    image.format = alpha && raster.channels == 4 ? PixelFormat::rgba : PixelFormat::rgb;
  }
  image.samples = first_channels(raster, image.channels());
  if (image.format == PixelFormat::rgba && tiff.extra == premultiplied_alpha) make_alpha_straight(image);
  return image;
}

}  // namespace

Decoded decode_tiff(const Source& source) {
  const bool little = source.bytes[0] == 'I';
  const ByteReader reader(source.bytes, little ? ByteOrder::little : ByteOrder::big);
  const Tiff tiff = read_directory(source, reader);
  const int bytes_of_pixel = tiff.bits == 16 ? 16 : 12;  // the samples as stored, of the picture, and turned
  // A tile is decoded whole, even where it is larger than the picture.
  if (tiff.width > 0 && tiff.height > 0) {
    check_size(source, std::max(tiff.width, tiff.tile_width), std::max(tiff.height, tiff.tile_height),
               bytes_of_pixel);
  } else {
    check_size(source, tiff.width, tiff.height, bytes_of_pixel);
  }
  if (tiff.bits != 1 && tiff.bits != 8 && tiff.bits != 16)
    fail(ErrorCode::unsupported, source, "TIFF samples of " + std::to_string(tiff.bits) + " bits");
  // OpenCV would turn the picture and multiply its colours by alpha. What it sees is upright, and its alpha
  // claims to be multiplied in already.
  std::vector<std::uint8_t> bytes(source.bytes.begin(), source.bytes.end());
  const std::size_t low_byte = little ? 0 : 1;
  if (tiff.orientation_at != 0) bytes[tiff.orientation_at + low_byte] = 1;
  if (tiff.extra_at != 0 && tiff.channels == 4) bytes[tiff.extra_at + low_byte] = premultiplied_alpha;
  const Raster raster = decode_by_opencv(source, bytes);
  if (raster.width != tiff.width || raster.height != tiff.height)
    fail(ErrorCode::corrupt, source, "damaged TIFF");
  // Orientation is part of decoding a TIFF for Pillow, not an EXIF tag to be applied or ignored.
  return {turn_upright(image_of(tiff, raster), exif_orientation(source.bytes)), 1};
}

}  // namespace beeld
