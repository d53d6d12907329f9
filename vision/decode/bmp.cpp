#include <algorithm>
#include <array>
#include <bit>

#include "vision/decode/decode.h"
#include "vision/metadata/byte_reader.h"

namespace beeld {

namespace {

enum Compression : std::uint32_t { raw = 0, rle8 = 1, rle4 = 2, bitfields = 3 };

using Masks = std::array<std::uint32_t, 4>;  // red, green, blue, alpha

struct Bmp {
  std::int64_t width = 0, height = 0;
  bool top_down = false;
  int bits = 0;
  std::uint32_t compression = raw;
  Masks masks{};
  std::vector<std::uint8_t> palette;  ///< RGB triples
  std::size_t pixels = 0;             ///< position of the first row
};

std::uint32_t need32(const Source& source, const ByteReader& reader, std::size_t at) {
  const auto value = reader.u32(at);
  if (!value) fail(ErrorCode::corrupt, source, "truncated BMP header");
  return *value;
}

int need16(const Source& source, const ByteReader& reader, std::size_t at) {
  const auto value = reader.u16(at);
  if (!value) fail(ErrorCode::corrupt, source, "truncated BMP header");
  return *value;
}

Masks default_masks(int bits) {
  if (bits == 16) return {0x7C00, 0x3E0, 0x1F, 0};
  return {0xFF0000, 0xFF00, 0xFF, 0};
}

void read_masks(const Source& source, const ByteReader& reader, std::size_t header_size, Bmp& bmp) {
  bmp.masks = default_masks(bmp.bits);
  if (bmp.compression != bitfields) return;
  for (std::size_t i = 0; i < 3; ++i) bmp.masks[i] = need32(source, reader, 14 + 40 + 4 * i);
  bmp.masks[3] = header_size >= 56 ? need32(source, reader, 14 + 52) : 0;
  if (bmp.masks == Masks{}) bmp.masks = {0xFF0000, 0xFF00, 0xFF, 0xFF000000};
  for (const auto mask : bmp.masks) {
    const auto shifted = mask ? mask >> std::countr_zero(mask) : 0;
    if ((shifted & (shifted + 1)) != 0 || std::popcount(mask) > 8)
      fail(ErrorCode::unsupported, source, "BMP bit fields that are not 1 to 8 neighbouring bits");
  }
}

/// Where the palette lies, and the bytes of an entry.
struct Palette {
  std::size_t at, entry, colours;
};

void read_palette(const Source& source, const ByteReader& reader, Palette palette, Bmp& bmp) {
  const auto [at, entry, colours] = palette;
  if (!reader.has(at, entry * colours)) fail(ErrorCode::corrupt, source, "truncated BMP palette");
  for (std::size_t i = 0; i < colours; ++i) {
    for (const std::size_t channel : {2, 1, 0}) bmp.palette.push_back(source.bytes[at + entry * i + channel]);
  }
}

Bmp read_header(const Source& source) {
  const ByteReader reader(source.bytes, ByteOrder::little);
  Bmp bmp;
  bmp.pixels = need32(source, reader, 10);
  const std::size_t header_size = need32(source, reader, 14);
  std::size_t colours = 0, palette_at = 14 + header_size;
  if (header_size == 12) {
    bmp.width = need16(source, reader, 18);
    bmp.height = need16(source, reader, 20);
    bmp.bits = need16(source, reader, 24);
  } else if (header_size == 40 || header_size == 52 || header_size == 56 || header_size == 64 ||
             header_size == 108 || header_size == 124) {
    bmp.width = static_cast<std::int32_t>(need32(source, reader, 18));
    bmp.height = static_cast<std::int32_t>(need32(source, reader, 22));
    bmp.bits = need16(source, reader, 28);
    bmp.compression = need32(source, reader, 30);
    colours = need32(source, reader, 46);
  } else {
    fail(ErrorCode::unsupported, source, "BMP header of " + std::to_string(header_size) + " bytes");
  }
  bmp.top_down = bmp.height < 0;
  bmp.height = std::abs(bmp.height);
  check_size(source, bmp.width, bmp.height);
  const bool known_bits =
      bmp.bits == 1 || bmp.bits == 4 || bmp.bits == 8 || bmp.bits == 16 || bmp.bits == 24 || bmp.bits == 32;
  const bool known_packing = bmp.compression == raw || (bmp.compression == rle8 && bmp.bits == 8) ||
                             (bmp.compression == rle4 && bmp.bits == 4) ||
                             (bmp.compression == bitfields && bmp.bits >= 16);
  if (!known_bits || !known_packing) {
    fail(ErrorCode::unsupported, source,
         "BMP of " + std::to_string(bmp.bits) + " bits a pixel and compression " +
             std::to_string(bmp.compression));
  }
  if (bmp.bits > 8) {
    read_masks(source, reader, header_size, bmp);
    return bmp;
  }
  if (colours == 0) colours = std::size_t{1} << bmp.bits;
  if (colours > 256)
    fail(ErrorCode::unsupported, source, "BMP palette of " + std::to_string(colours) + " colours");
  read_palette(source, reader, {palette_at, header_size == 12 ? std::size_t{3} : 4, colours}, bmp);
  return bmp;
}

std::size_t stride_of(const Bmp& bmp) { return (std::size_t(bmp.width) * bmp.bits + 31) / 32 * 4; }

std::span<const std::uint8_t> stored_rows(const Source& source, const Bmp& bmp) {
  const ByteReader reader(source.bytes, ByteOrder::little);
  const std::size_t length = stride_of(bmp) * bmp.height;
  if (!reader.has(bmp.pixels, length)) {
    fail(ErrorCode::corrupt, source,
         "truncated BMP: expected " + std::to_string(length) + " bytes of pixels");
  }
  return source.bytes.subspan(bmp.pixels, length);
}

std::size_t row_in_file(const Bmp& bmp, std::size_t y) { return bmp.top_down ? y : bmp.height - 1 - y; }

std::vector<std::uint8_t> unpack_raw(const Source& source, const Bmp& bmp) {
  const auto rows = stored_rows(source, bmp);
  std::vector<std::uint8_t> indices(std::size_t(bmp.width) * bmp.height);
  const int per_byte = 8 / bmp.bits, mask = (1 << bmp.bits) - 1;
  auto* out = indices.data();
  for (std::size_t y = 0; y < static_cast<std::size_t>(bmp.height); ++y) {
    const auto* row = rows.data() + row_in_file(bmp, y) * stride_of(bmp);
    for (std::int64_t x = 0; x < bmp.width; ++x) {
      const auto shift = (per_byte - 1 - x % per_byte) * bmp.bits;
      *out++ = static_cast<std::uint8_t>(row[x / per_byte] >> shift & mask);
    }
  }
  return indices;
}

/// Runs of equal indices, literal runs, line ends and jumps; what is jumped over is index 0.
std::vector<std::uint8_t> unpack_runs(const Source& source, const Bmp& bmp) {
  const ByteReader reader(source.bytes, ByteOrder::little);
  std::size_t at = bmp.pixels;
  const auto next = [&] {
    const auto byte = reader.u8(at++);
    if (!byte) fail(ErrorCode::corrupt, source, "truncated BMP");
    return int{*byte};
  };
  const bool nibbles = bmp.compression == rle4;
  const auto index_of = [nibbles](int byte, int position) {
    if (!nibbles) return static_cast<std::uint8_t>(byte);
    return static_cast<std::uint8_t>(position % 2 == 0 ? byte >> 4 : byte & 15);
  };
  std::vector<std::uint8_t> indices(std::size_t(bmp.width) * bmp.height);
  std::int64_t x = 0, y = 0;
  const auto put = [&](std::uint8_t index) {
    if (x < bmp.width && y < bmp.height) indices[row_in_file(bmp, y) * bmp.width + x] = index;
    ++x;
  };
  while (y < bmp.height) {
    const int count = next(), value = next();
    if (count > 0) {
      for (int i = 0; i < count; ++i) put(index_of(value, i));
    } else if (value == 0) {
      x = 0, ++y;
    } else if (value == 1) {
      break;
    } else if (value == 2) {
      x += next();
      y += next();
    } else {
      int byte = 0;
      for (int i = 0; i < value; ++i) {
        if (!nibbles || i % 2 == 0) byte = next();
        put(index_of(byte, i));
      }
      const int bytes = nibbles ? (value + 1) / 2 : value;
      if (bytes % 2) next();
    }
  }
  return indices;
}

/// Pillow calls a picture with a plain grey ramp grey, and one of black and white bilevel.
Image indexed_image(const Source& source, const Bmp& bmp) {
  auto indices = bmp.compression == raw ? unpack_raw(source, bmp) : unpack_runs(source, bmp);
  const std::size_t colours = bmp.palette.size() / 3;
  bool ramp = colours != 2;
  for (std::size_t i = 0; ramp && i < bmp.palette.size(); ++i) ramp = bmp.palette[i] == i / 3;
  if (!ramp || bmp.bits != 8) {
    return expand_palette(static_cast<int>(bmp.width), static_cast<int>(bmp.height), indices, bmp.palette);
  }
  Image image;
  image.width = static_cast<int>(bmp.width);
  image.height = static_cast<int>(bmp.height);
  image.format = PixelFormat::grey;
  image.samples = std::move(indices);
  return image;
}

std::uint8_t field(std::uint32_t pixel, std::uint32_t mask) {
  const std::uint32_t most = mask >> std::countr_zero(mask);
  return static_cast<std::uint8_t>(((pixel & mask) >> std::countr_zero(mask)) * 255 / most);
}

Image truecolour_image(const Source& source, const Bmp& bmp) {
  const auto rows = stored_rows(source, bmp);
  const bool alpha = bmp.masks[3] != 0;
  for (int i = 0; i < 3; ++i) {
    if (bmp.masks[i] == 0) fail(ErrorCode::unsupported, source, "BMP bit fields without all three colours");
  }
  Image image = make_image(bmp.width, bmp.height, alpha ? PixelFormat::rgba : PixelFormat::rgb);
  const int bytes_each = bmp.bits / 8;
  auto* out = image.samples.data();
  for (std::size_t y = 0; y < static_cast<std::size_t>(bmp.height); ++y) {
    const auto* in = rows.data() + row_in_file(bmp, y) * stride_of(bmp);
    for (std::int64_t x = 0; x < bmp.width; ++x, in += bytes_each) {
      std::uint32_t pixel = 0;
      for (int i = 0; i < bytes_each; ++i) pixel |= std::uint32_t{in[i]} << 8 * i;
      for (int i = 0; i < (alpha ? 4 : 3); ++i) *out++ = field(pixel, bmp.masks[i]);
    }
  }
  return image;
}

}  // namespace

Image decode_bmp(const Source& source) {
  const Bmp bmp = read_header(source);
  return bmp.bits <= 8 ? indexed_image(source, bmp) : truecolour_image(source, bmp);
}

}  // namespace beeld
