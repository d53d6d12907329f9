#include "vision/decode/decode.h"

#ifdef BEELD_WEBP

#include <webp/decode.h>

#include <optional>
#include <string_view>

#include "core/base/shared_library.h"
#include "vision/metadata/byte_reader.h"

namespace beeld {

namespace {

struct WebPLibrary {
  SharedLibrary library{BEELD_WEBP};
  decltype(WebPGetFeaturesInternal)& get_features = library["WebPGetFeaturesInternal"];
  decltype(WebPDecodeRGBInto)& decode_rgb = library["WebPDecodeRGBInto"];
  decltype(WebPDecodeRGBAInto)& decode_rgba = library["WebPDecodeRGBAInto"];
};

struct WebP {
  std::int64_t width = 0, height = 0;
  bool alpha = false;
  bool animated = false;
  std::span<const std::uint8_t> frame;  ///< Of an animation: the chunk of its first frame.
};

std::int64_t u24(const ByteReader& reader, std::size_t at) {
  return std::int64_t{reader.u16(at).value_or(0)} | std::int64_t{reader.u8(at + 2).value_or(0)} << 16;
}

/// The first chunk states the size.
void read_first_chunk(const Source& source, std::string_view name, std::span<const std::uint8_t> body,
                      WebP& webp) {
  const ByteReader reader(body, ByteOrder::little);
  if (body.size() < 10 && name != "VP8L") fail(ErrorCode::corrupt, source, "truncated WebP");
  if (name == "VP8X") {
    constexpr int animation = 0x02, alpha = 0x10;
    webp.animated = *reader.u8(0) & animation;
    webp.alpha = *reader.u8(0) & alpha;
    webp.width = u24(reader, 4) + 1;
    webp.height = u24(reader, 7) + 1;
  } else if (name == "VP8 ") {
    webp.width = *reader.u16(6) & 0x3FFF;
    webp.height = *reader.u16(8) & 0x3FFF;
  } else if (name == "VP8L") {
    const std::uint32_t bits = reader.u32(1).value_or(0);
    webp.width = (bits & 0x3FFF) + 1;
    webp.height = (bits >> 14 & 0x3FFF) + 1;
  } else {
    fail(ErrorCode::corrupt, source, "WebP that begins with chunk " + std::string(name));
  }
}

WebP read_chunks(const Source& source) {
  const ByteReader reader(source.bytes, ByteOrder::little);
  const std::size_t riff = *reader.u32(4);
  if (riff < 12 || !reader.has(8, riff)) fail(ErrorCode::corrupt, source, "truncated WebP");
  WebP webp;
  for (std::size_t at = 12; at + 8 <= 8 + riff;) {
    const std::string_view name(reinterpret_cast<const char*>(source.bytes.data()) + at, 4);
    const auto length = reader.u32(at + 4);
    if (!length || !reader.has(at + 8, *length)) fail(ErrorCode::corrupt, source, "truncated WebP");
    const auto body = source.bytes.subspan(at + 8, *length);
    if (webp.width == 0)
      read_first_chunk(source, name, body, webp);
    else if (name == "ANMF" && webp.frame.empty())
      webp.frame = body;
    at += 8 + std::size_t{*length} + (*length & 1);
  }
  return webp;
}

/// Where a stream's pixels go.
struct Target {
  std::uint8_t* pixels;
  std::size_t bytes, stride;
};

void decode(const Source& source, std::span<const std::uint8_t> stream, PixelFormat format,
            const Target& target) {
  const auto& library = loaded<WebPLibrary>(source);
  const auto into = format == PixelFormat::rgba ? &library.decode_rgba : &library.decode_rgb;
  if (!into(stream.data(), stream.size(), target.pixels, target.bytes, static_cast<int>(target.stride)))
    fail(ErrorCode::corrupt, source, "damaged picture data");
}

WebPBitstreamFeatures features_of(const Source& source, std::span<const std::uint8_t> stream) {
  WebPBitstreamFeatures features{};
  if (loaded<WebPLibrary>(source).get_features(stream.data(), stream.size(), &features,
                                               WEBP_DECODER_ABI_VERSION) != VP8_STATUS_OK)
    fail(ErrorCode::corrupt, source, "damaged picture data");
  return features;
}

Image decode_still(const Source& source, const WebP& webp) {
  const auto features = features_of(source, source.bytes);
  if (features.width != webp.width || features.height != webp.height)
    fail(ErrorCode::corrupt, source, "damaged WebP");
  Image image =
      make_image(webp.width, webp.height, features.has_alpha ? PixelFormat::rgba : PixelFormat::rgb);
  decode(source, source.bytes, image.format,
         {image.samples.data(), image.samples.size(),
          image.samples.size() / static_cast<std::size_t>(image.height)});
  return image;
}

/// The first frame on a canvas that is transparent beside it; black where the file has no transparency.
Image decode_animated(const Source& source, const WebP& webp) {
  constexpr std::size_t frame_header = 16;
  if (webp.frame.size() < frame_header) fail(ErrorCode::corrupt, source, "animated WebP without a frame");
  const ByteReader reader(webp.frame, ByteOrder::little);
  const std::int64_t left = 2 * u24(reader, 0), top = 2 * u24(reader, 3);
  const std::int64_t width = u24(reader, 6) + 1, height = u24(reader, 9) + 1;
  const auto stream = webp.frame.subspan(frame_header);
  const auto features = features_of(source, stream);
  if (features.has_animation || features.width != width || features.height != height ||
      left + width > webp.width || top + height > webp.height)
    fail(ErrorCode::corrupt, source, "damaged frame of an animated WebP");
  Image image = make_image(webp.width, webp.height, webp.alpha ? PixelFormat::rgba : PixelFormat::rgb);
  const std::size_t channels = image.channels(), stride = static_cast<std::size_t>(image.width) * channels;
  const std::size_t begin =
      static_cast<std::size_t>(top) * stride + static_cast<std::size_t>(left) * channels;
  decode(source, stream, image.format, {image.samples.data() + begin, image.samples.size() - begin, stride});
  return image;
}

}  // namespace

Image decode_webp(const Source& source) {
  const WebP webp = read_chunks(source);
  check_size(source, webp.width, webp.height);
  return webp.animated ? decode_animated(source, webp) : decode_still(source, webp);
}

}  // namespace beeld

#else

namespace beeld {

Image decode_webp(const Source& source) { fail_without(source, "libwebp", "WebP"); }

}  // namespace beeld

#endif
