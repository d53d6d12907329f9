#include "vision/decode/tiff.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "vision/decode/orientation.h"
#include "vision/metadata/byte_reader.h"

namespace beeld {

namespace {

enum Type : std::uint16_t { type_short = 3, type_long = 4, type_long8 = 16 };

/// Where things stand in a directory: BigTIFF differs from TIFF in the width of its counts and positions
/// only.
struct Layout {
  bool big;

  std::size_t header() const { return big ? 8 : 4; }  ///< where the first directory's position is
  std::size_t entry_bytes() const { return big ? 20 : 12; }
  std::size_t count_bytes() const { return big ? 8 : 2; }  ///< of the number of entries
  std::size_t value() const {
    return big ? 12 : 8;
  }  ///< where in an entry its values, or their position, are
  std::size_t value_bytes() const { return big ? 8 : 4; }
};

/// The numbers of a directory.
class Directory {
 public:
  Directory(const ByteReader& reader, Layout layout) : reader_(reader), layout_(layout) {
    begin_ = static_cast<std::size_t>(number(layout.header()).value_or(0));
    const auto count = layout.big ? reader.u64(begin_) : std::optional<std::uint64_t>(reader.u16(begin_));
    constexpr std::uint64_t most = 65535;
    if (!count || *count > most) return;
    if (reader.has(begin_, layout.count_bytes() + *count * layout.entry_bytes())) entries_ = *count;
  }

  /// 0 where the directory lies outside the file.
  std::size_t entries() const { return entries_; }
  std::size_t entry(std::size_t i) const {
    return begin_ + layout_.count_bytes() + i * layout_.entry_bytes();
  }
  std::uint16_t tag(std::size_t entry) const { return *reader_.u16(entry); }
  std::uint16_t type(std::size_t entry) const { return *reader_.u16(entry + 2); }
  std::uint64_t count(std::size_t entry) const { return *number(entry + 4); }

  /// Where the values are: in the entry, or where it says.
  std::size_t values_at(std::size_t entry) const {
    const std::size_t at = entry + layout_.value();
    const bool inside = count(entry) <= layout_.value_bytes() / size_of(type(entry));
    return inside ? at : static_cast<std::size_t>(*number(at));
  }

  /// Value `index` of an entry of type SHORT, LONG or LONG8; 0 where it lies outside the file.
  std::uint64_t value(std::size_t entry, std::size_t index = 0) const {
    const std::size_t size = size_of(type(entry)), at = values_at(entry);
    if (at > reader_.size() || index > reader_.size()) return 0;
    const std::size_t place = at + size * index;
    if (size == 2) return reader_.u16(place).value_or(0);
    if (size == 8) return reader_.u64(place).value_or(0);
    return reader_.u32(place).value_or(0);
  }

 private:
  static std::size_t size_of(std::uint16_t type) {
    return type == type_short ? 2 : type == type_long8 ? 8 : 4;
  }

  /// A count or a position.
  std::optional<std::uint64_t> number(std::size_t at) const {
    if (layout_.big) return reader_.u64(at);
    return reader_.u32(at);
  }

  const ByteReader& reader_;
  Layout layout_;
  std::size_t begin_ = 0, entries_ = 0;
};

/// The high bytes of a colour map, which stores all reds, then all greens, then all blues.
std::vector<std::uint8_t> read_palette(const ByteReader& reader, const Directory& directory,
                                       std::size_t entry) {
  const std::uint64_t colours = directory.count(entry) / 3;
  const std::size_t at = directory.values_at(entry);
  std::vector<std::uint8_t> palette;
  if (colours > 256 || !reader.has(at, 6 * colours)) return palette;
  for (std::size_t i = 0; i < 3 * colours; ++i)
    palette.push_back(static_cast<std::uint8_t>(*reader.u16(at + 2 * (i / 3 + i % 3 * colours)) >> 8));
  return palette;
}

/// Decoders fill up what is missing; here a strip or tile outside the file is an error.
void check_segments(const Source& source, const Directory& directory, std::size_t offsets,
                    std::size_t lengths) {
  const ByteReader reader(source.bytes, ByteOrder::little);
  const std::uint64_t count = offsets == 0 ? 0 : directory.count(offsets);
  if (count == 0 || count > source.bytes.size()) fail(ErrorCode::corrupt, source, "TIFF without pixels");
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t length = lengths == 0 ? 1 : directory.value(lengths, i);
    if (length == 0 || !reader.has(directory.value(offsets, i), length))
      fail(ErrorCode::corrupt, source, "truncated TIFF");
  }
}

/// libtiff keeps the first of two entries and knows other types. A size that it could read otherwise than
/// check_size() did would be no limit.
void check_entry(const Source& source, std::uint16_t tag, std::uint16_t type, std::set<std::uint16_t>& seen) {
  constexpr std::uint16_t numbers[] = {256, 257, 258, 259, 262, 273, 274, 277,
                                       279, 284, 322, 323, 324, 325, 338, 339};
  if (!seen.insert(tag).second)
    fail(ErrorCode::corrupt, source, "TIFF tag " + std::to_string(tag) + " occurs twice");
  if (std::count(std::begin(numbers), std::end(numbers), tag) && type != type_short && type != type_long &&
      type != type_long8)
    fail(
        ErrorCode::corrupt, source,
        "TIFF tag " + std::to_string(tag) + " has type " + std::to_string(type) + "; expected SHORT or LONG");
}

bool is_known(std::uint64_t photometric) {
  return photometric <= Tiff::indexed || photometric == Tiff::inks ||
         photometric == Tiff::luminance_chrominance || photometric == Tiff::cie_lab;
}

void check_meaning(const Source& source, const Tiff& tiff, bool has_photometric) {
  if (!has_photometric) fail(ErrorCode::corrupt, source, "TIFF without a photometric interpretation");
  if (!is_known(tiff.photometric))
    fail(ErrorCode::unsupported, source,
         "TIFF of photometric interpretation " + std::to_string(tiff.photometric));
  if (tiff.photometric == Tiff::indexed && tiff.palette.empty())
    fail(ErrorCode::corrupt, source, "TIFF without its colour map");
  const bool floats = tiff.sample_format == Tiff::floating_point;
  if (tiff.sample_format == Tiff::signed_integer || tiff.sample_format > Tiff::undefined)
    fail(ErrorCode::unsupported, source, "TIFF samples that are signed or complex numbers");
  const bool known =
      floats ? tiff.bits == 32 || tiff.bits == 64
             : tiff.bits == 1 || tiff.bits == 2 || tiff.bits == 4 || tiff.bits == 8 || tiff.bits == 16;
  if (!known)
    fail(ErrorCode::unsupported, source,
         "TIFF samples of " + std::to_string(tiff.bits) + (floats ? " bits, floating point" : " bits"));
  if (floats && tiff.photometric > Tiff::truecolour)
    fail(ErrorCode::unsupported, source, "floating point TIFF that is neither grey nor RGB");
}

Tiff read_directory(const Source& source, const ByteReader& reader, Layout layout) {
  const Directory directory(reader, layout);
  if (directory.entries() == 0) fail(ErrorCode::corrupt, source, "truncated TIFF");
  Tiff tiff;
  std::size_t offsets = 0, lengths = 0;
  std::set<std::uint16_t> seen;
  for (std::size_t i = 0; i < directory.entries(); ++i) {
    const std::size_t entry = directory.entry(i);
    check_entry(source, directory.tag(entry), directory.type(entry), seen);
    const std::uint64_t value = directory.value(entry);
    switch (directory.tag(entry)) {
      case 256:
        tiff.width = static_cast<std::int64_t>(value);
        break;
      case 257:
        tiff.height = static_cast<std::int64_t>(value);
        break;
      case 258:
        tiff.bits = value;
        break;
      case 259:
        tiff.compression = value;
        break;
      case 262:
        tiff.photometric = value;
        break;
      case 273:
      case 324:
        offsets = entry;
        break;
      case 274:
        tiff.orientation = value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
        break;
      case 277:
        tiff.channels = value;
        break;
      case 279:
      case 325:
        lengths = entry;
        break;
      case 284:
        tiff.planes = value == 2;
        break;
      case 320:
        tiff.palette = read_palette(reader, directory, entry);
        break;
      case 322:
        tiff.tile_width = static_cast<std::int64_t>(value);
        break;
      case 323:
        tiff.tile_height = static_cast<std::int64_t>(value);
        break;
      case 338:
        tiff.extra = value;
        break;
      case 339:
        tiff.sample_format = value;
        break;
      default:
        break;
    }
  }
  check_segments(source, directory, offsets, lengths);
  check_meaning(source, tiff, seen.contains(262));
  return tiff;
}

/// Bytes that a pixel takes at most: the samples as stored, of the picture, and turned; and all of a tile's.
std::int64_t bytes_of_pixel(const Tiff& tiff) {
  const std::int64_t kept = tiff.sample_format == Tiff::floating_point ? 24 : tiff.bits == 16 ? 16 : 12;
  const auto channels = static_cast<std::int64_t>(std::min<std::uint64_t>(tiff.channels, 65536));
  return tiff.tile_width > 0 ? kept + (channels * static_cast<std::int64_t>(tiff.bits) + 7) / 8 : kept;
}

/// Floating point samples stretched from their own range, without infinities, to 0...255.
std::vector<std::uint8_t> stretched(const std::vector<float>& floats) {
  float low = std::numeric_limits<float>::max(), high = std::numeric_limits<float>::lowest();
  for (const float value : floats) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  const double range = double(high) - double(low);
  std::vector<std::uint8_t> bytes(floats.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (std::isnan(floats[i]) || !(range > 0)) continue;
    const double part = std::clamp((double(floats[i]) - double(low)) / range, 0.0, 1.0);
    bytes[i] = static_cast<std::uint8_t>(std::lrint(255 * part));
  }
  return bytes;
}

/// The high byte of 16-bit samples. Pillow does so with colours, and cuts grey off at 255.
std::vector<std::uint8_t> to_bytes(Raster raster) {
  if (!raster.floats.empty()) return stretched(raster.floats);
  if (raster.words.empty()) return std::move(raster.bytes);
  std::vector<std::uint8_t> bytes(raster.words.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(raster.words[i] >> 8);
  return bytes;
}

/// Divides colours by alpha, as Pillow does when it opens such a file.
void make_alpha_straight(Image& image) {
  const std::size_t colours = image.channels() - 1;
  for (std::size_t i = 0; i < image.samples.size(); i += colours + 1) {
    const int alpha = image.samples[i + colours];
    for (std::size_t c = i; c < i + colours; ++c)
      image.samples[c] =
          static_cast<std::uint8_t>(alpha == 0 ? 0 : std::min(255, 255 * image.samples[c] / alpha));
  }
}

PixelFormat format_of(const Tiff& tiff, int channels) {
  const bool alpha = tiff.extra == Tiff::premultiplied_alpha || tiff.extra == Tiff::straight_alpha;
  if (tiff.photometric <= Tiff::black_is_zero)
    return alpha && channels == 2 ? PixelFormat::grey_alpha : PixelFormat::grey;
  if (tiff.photometric == Tiff::inks && channels == 4) return PixelFormat::cmyk;
  return tiff.photometric == Tiff::truecolour && alpha && channels == 4 ? PixelFormat::rgba
                                                                        : PixelFormat::rgb;
}

/// The first `kept` of every `channels` samples.
std::vector<std::uint8_t> first_channels(std::vector<std::uint8_t> samples, std::size_t channels,
                                         std::size_t kept) {
  if (channels == kept) return samples;
  const std::size_t pixels = samples.size() / channels;
  for (std::size_t i = 0; i < pixels; ++i) std::copy_n(&samples[i * channels], kept, &samples[i * kept]);
  samples.resize(pixels * kept);
  return samples;
}

Image image_of(const Source& source, const Tiff& tiff, Raster raster) {
  const int width = raster.width, height = raster.height, channels = raster.channels;
  auto samples = to_bytes(std::move(raster));
  const bool grey = tiff.photometric <= Tiff::black_is_zero;
  if (tiff.photometric == Tiff::white_is_zero) {
    const auto most = static_cast<std::uint8_t>(tiff.bits < 8 ? (1 << tiff.bits) - 1 : 255);
    for (auto& sample : samples) sample = static_cast<std::uint8_t>(most - sample);
  }
  if (tiff.photometric == Tiff::indexed || (grey && tiff.bits == 1)) {
    samples = first_channels(std::move(samples), channels, 1);
    return expand_palette(width, height, samples, grey ? bilevel_palette() : tiff.palette);
  }
  if (tiff.bits < 8)
    for (auto& sample : samples) sample = static_cast<std::uint8_t>(sample * 255 / ((1 << tiff.bits) - 1));
  Image image;
  image.width = width;
  image.height = height;
  image.format = format_of(tiff, channels);
  if (channels < image.channels())
    fail(ErrorCode::corrupt, source, "TIFF of " + std::to_string(channels) + " samples a pixel");
  image.samples = first_channels(std::move(samples), channels, image.channels());
  const bool alpha = image.format == PixelFormat::rgba || image.format == PixelFormat::grey_alpha;
  if (alpha && tiff.extra == Tiff::premultiplied_alpha) make_alpha_straight(image);
  return image;
}

}  // namespace

Image decode_tiff(const Source& source) {
  const ByteReader reader(source.bytes, source.bytes[0] == 'I' ? ByteOrder::little : ByteOrder::big);
  constexpr std::uint16_t big_tiff = 43;
  const Tiff tiff = read_directory(source, reader, {reader.u16(2) == big_tiff});
  // A tile is decoded whole, even where it is larger than the picture.
  const bool sized = tiff.width > 0 && tiff.height > 0;
  check_size(source, sized ? std::max(tiff.width, tiff.tile_width) : tiff.width,
             sized ? std::max(tiff.height, tiff.tile_height) : tiff.height, bytes_of_pixel(tiff));
  // Orientation is part of decoding a TIFF for Pillow, not an EXIF tag to be applied or ignored.
  return turn_upright(image_of(source, tiff, decode_tiff_samples(source, tiff)), tiff.orientation);
}

}  // namespace beeld
