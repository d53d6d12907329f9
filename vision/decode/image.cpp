#include <beeld/image.h>

#include <algorithm>
#include <climits>
#include <string_view>

#include "core/base/files.h"
#include "vision/decode/decode.h"
#include "vision/decode/orientation.h"

namespace beeld {

namespace {

constexpr std::size_t most_file_bytes = std::size_t{1} << 31;

using Decoder = Decoded (*)(const Source&);

bool begins(std::string_view head, std::string_view magic, std::size_t at = 0) {
  return head.size() >= at + magic.size() && head.substr(at, magic.size()) == magic;
}

Decoder decoder_for(std::string_view head) {
  if (begins(head, "\xFF\xD8\xFF")) return decode_jpeg;
  if (begins(head, "\x89PNG\r\n\x1A\n")) return decode_png;
  if (begins(head, "RIFF") && begins(head, "WEBP", 8)) return decode_webp;
  if (begins(head, "GIF87a") || begins(head, "GIF89a")) return decode_gif;
  if (begins(head, std::string_view("II*\0", 4)) || begins(head, std::string_view("MM\0*", 4)))
    return decode_tiff;
  if (begins(head, "BM")) return decode_bmp;
  if (head.size() >= 3 && head[0] == 'P' && head[1] >= '1' && head[1] <= '6' &&
      std::string_view(" \t\n\v\f\r#").find(head[2]) != std::string_view::npos)
    return decode_pnm;
  return nullptr;
}

/// What a file is that is not a picture beeld reads, for the message.
std::string describe(std::string_view head) {
  if (begins(head, std::string_view("\0\x05\x16\x07", 4))) return "AppleDouble metadata, not a picture";
  if (begins(head, "ftyp", 4)) return "an ISO media file (HEIC, AVIF or video)";
  if (begins(head, std::string_view("\0\0\0\x0CjP  ", 8))) return "a JPEG 2000 picture";
  if (begins(head, "8BPS")) return "a Photoshop file";
  if (begins(head, "%PDF")) return "a PDF";
  if (begins(head, std::string_view("II+\0", 4)) || begins(head, std::string_view("MM\0+", 4)))
    return "a BigTIFF picture";
  return "not a picture";
}

}  // namespace

int Image::channels() const {
  switch (format) {
    case PixelFormat::grey:
      return 1;
    case PixelFormat::grey_alpha:
      return 2;
    case PixelFormat::rgba:
    case PixelFormat::cmyk:
      return 4;
    case PixelFormat::rgb:
    case PixelFormat::palette:
      return 3;
  }
  return 3;
}

void fail(ErrorCode code, const Source& source, const std::string& what) {
  throw Error(code, "[image] " + source.name + ": " + what);
}

void check_size(const Source& source, std::int64_t width, std::int64_t height, std::int64_t bytes_of_pixel) {
  const auto size = std::to_string(width) + "x" + std::to_string(height);
  if (width < 1 || height < 1) fail(ErrorCode::corrupt, source, "a picture of " + size + " pixels");
  // The division keeps the product from overflowing.
  if (width > INT_MAX || height > INT_MAX || width > source.options.max_pixels / height) {
    fail(ErrorCode::limit, source,
         size + " pixels; at most " + std::to_string(source.options.max_pixels) + " are allowed");
  }
  const std::int64_t needed = bytes_of_pixel * width * height, limit = decode_memory();
  if (needed > limit) {
    const auto megabytes = [](std::int64_t bytes) {
      return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MB";
    };
    fail(ErrorCode::limit, source,
         size + " pixels take " + megabytes(needed) + " to decode; at most " + megabytes(limit) +
             " are allowed");
  }
  source.lease.take(needed);
}

Image make_image(std::int64_t width, std::int64_t height, PixelFormat format) {
  Image image;
  image.width = static_cast<int>(width);
  image.height = static_cast<int>(height);
  image.format = format;
  image.samples.resize(static_cast<std::size_t>(width) * height * image.channels());
  return image;
}

std::vector<std::uint8_t> bilevel_palette() { return {0, 0, 0, 255, 255, 255}; }

Image expand_palette(int width, int height, std::span<const std::uint8_t> indices,
                     std::vector<std::uint8_t> palette) {
  for (std::size_t i = palette.size() / 3; i < 256 && palette != bilevel_palette(); ++i)
    palette.insert(palette.end(), 3, static_cast<std::uint8_t>(i));
  Image image = make_image(width, height, PixelFormat::palette);
  const std::size_t last = palette.size() / 3 - 1;
  auto* out = image.samples.data();
  for (const auto index : indices)
    out = std::copy_n(&palette[3 * std::min<std::size_t>(index, last)], 3, out);
  image.palette = std::move(palette);
  return image;
}

Image decode_image(std::span<const std::uint8_t> bytes, const DecodeOptions& options,
                   const std::string& name) {
  MemoryLease lease;
  return decode_image(bytes, options, name, lease);
}

Image decode_image(std::span<const std::uint8_t> bytes, const DecodeOptions& options, const std::string& name,
                   MemoryLease& lease) {
  const Source source{bytes, options, name, lease};
  if (bytes.empty()) fail(ErrorCode::corrupt, source, "the file is empty");
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()),
                              std::min<std::size_t>(bytes.size(), 16));
  const auto decoder = decoder_for(head);
  if (!decoder) {
    fail(ErrorCode::unsupported, source,
         describe(head) + "; expected JPEG, PNG, WebP, GIF, TIFF, BMP or PNM content");
  }
  Decoded decoded = decoder(source);
  if (options.orientation == Orientation::ignore) return std::move(decoded.image);
  return turn_upright(std::move(decoded.image), decoded.orientation);
}

Image load_image(const std::filesystem::path& path, const DecodeOptions& options, MemoryLease& lease) {
  const std::string content = read_file(path, most_file_bytes);
  return decode_image({reinterpret_cast<const std::uint8_t*>(content.data()), content.size()}, options,
                      path.string(), lease);
}

Image load_image(const std::filesystem::path& path, const DecodeOptions& options) {
  MemoryLease lease;
  return load_image(path, options, lease);
}

Image to_rgb(const Image& image) {
  Image rgb = make_image(image.width, image.height, PixelFormat::rgb);
  const std::size_t pixels = rgb.samples.size() / 3;
  const int channels = image.channels();
  const auto* in = image.samples.data();
  auto* out = rgb.samples.data();
  switch (image.format) {
    case PixelFormat::rgb:
    case PixelFormat::palette:
      rgb.samples = image.samples;
      break;
    case PixelFormat::grey:
    case PixelFormat::grey_alpha:
      for (std::size_t i = 0; i < pixels; ++i) out = std::fill_n(out, 3, in[i * channels]);
      break;
    case PixelFormat::rgba:
      for (std::size_t i = 0; i < pixels; ++i) out = std::copy_n(in + 4 * i, 3, out);
      break;
    case PixelFormat::cmyk:
      for (std::size_t i = 0; i < pixels; ++i) {
        const int light = 255 - in[4 * i + 3];
        for (int c = 0; c < 3; ++c) {
          const int product = in[4 * i + c] * light + 128;
          *out++ = static_cast<std::uint8_t>(light - (((product >> 8) + product) >> 8));
        }
      }
      break;
  }
  return rgb;
}

}  // namespace beeld
