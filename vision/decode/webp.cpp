#include <string_view>

#include "vision/decode/byte_reader.h"
#include "vision/decode/decode.h"
#include "vision/decode/exif.h"

namespace beeld {

namespace {

struct WebP {
  std::int64_t width = 0, height = 0;
  int orientation = 1;
};

std::int64_t u24(const ByteReader& reader, std::size_t at) {
  return std::int64_t{reader.u16(at).value_or(0)} | std::int64_t{reader.u8(at + 2).value_or(0)} << 16;
}

/// Walks the RIFF chunks; the first one states the size.
WebP read_chunks(const Source& source) {
  const ByteReader reader(source.bytes, ByteOrder::little);
  const std::size_t riff = *reader.u32(4);
  if (riff < 12 || !reader.has(8, riff)) fail(ErrorCode::corrupt, source, "truncated WebP");
  WebP webp;
  for (std::size_t at = 12; at + 8 <= 8 + riff;) {
    const std::string_view name(reinterpret_cast<const char*>(source.bytes.data()) + at, 4);
    const auto length = reader.u32(at + 4);
    const std::size_t body = at + 8;
    if (!length || !reader.has(body, *length)) fail(ErrorCode::corrupt, source, "truncated WebP");
    if (webp.width == 0) {
      if (!reader.has(body, 10) && name != "VP8L") fail(ErrorCode::corrupt, source, "truncated WebP");
      if (name == "VP8X") {
        constexpr int animation = 0x02;
        if (*reader.u8(body) & animation) fail(ErrorCode::unsupported, source, "animated WebP");
        webp.width = u24(reader, body + 4) + 1;
        webp.height = u24(reader, body + 7) + 1;
      } else if (name == "VP8 ") {
        webp.width = *reader.u16(body + 6) & 0x3FFF;
        webp.height = *reader.u16(body + 8) & 0x3FFF;
      } else if (name == "VP8L") {
        const std::uint32_t bits = reader.u32(body + 1).value_or(0);
        webp.width = (bits & 0x3FFF) + 1;
        webp.height = (bits >> 14 & 0x3FFF) + 1;
      } else {
        fail(ErrorCode::corrupt, source, "WebP that begins with chunk " + std::string(name));
      }
    } else if (name == "EXIF") {
      webp.orientation = exif_orientation(source.bytes.subspan(body, *length));
    }
    at = body + *length + (*length & 1);
  }
  return webp;
}

}  // namespace

Decoded decode_webp(const Source& source) {
  const WebP webp = read_chunks(source);
  check_size(source, webp.width, webp.height);
  Raster raster = decode_by_opencv(source, source.bytes);
  if (raster.width != webp.width || raster.height != webp.height || raster.bytes.empty() ||
      raster.channels < 3)
    fail(ErrorCode::corrupt, source, "damaged WebP");
  Decoded decoded;
  decoded.orientation = webp.orientation;
  decoded.image.width = raster.width;
  decoded.image.height = raster.height;
  decoded.image.format = raster.channels == 4 ? PixelFormat::rgba : PixelFormat::rgb;
  decoded.image.samples = std::move(raster.bytes);
  return decoded;
}

}  // namespace beeld
