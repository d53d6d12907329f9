#include <beeld/image.h>

#include <algorithm>
#include <climits>

#include "core/base/files.h"
#include "vision/decode/color.h"
#include "vision/decode/decode.h"
#include "vision/decode/formats.h"
#include "vision/decode/orientation.h"
#include "vision/metadata/metadata.h"

namespace beeld {

namespace {

constexpr std::size_t most_file_bytes = std::size_t{1} << 31;

/// The picture as the options want it: its colours, its transparency, and upright.
Image finished(Image image, const Source& source) {
  const auto& options = source.options;
  if (options.orientation == Orientation::apply || options.profile == ColorProfile::apply) {
    const auto metadata = read_metadata(source.bytes);
    if (options.profile == ColorProfile::apply) image = to_srgb(std::move(image), metadata, source);
    if (options.orientation == Orientation::apply)
      image = turn_upright(std::move(image), orientation_of(metadata));
  }
  const bool alpha = image.format == PixelFormat::rgba || image.format == PixelFormat::grey_alpha;
  return alpha && options.transparency == Transparency::on_white ? on_white(image) : image;
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

void mark_damaged(const Source& source, const Salvage& salvage, Image& image) {
  const auto what = salvage.damage + "; " + std::to_string(salvage.rows) + " of " +
                    std::to_string(salvage.all) + " rows came";
  if (source.options.damaged == Damaged::refuse || 2 * salvage.rows < salvage.all)
    fail(ErrorCode::corrupt, source, what);
  image.damage = what;
}

void fail_without(const Source& source, const std::string& library, const std::string& formats) {
  fail(ErrorCode::unsupported, source, "this build of beeld lacks " + library + ", which reads " + formats);
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
  const auto decoder = decoder_for(bytes);
  if (!decoder) {
    fail(ErrorCode::unsupported, source,
         describe(bytes) +
             "; expected JPEG, PNG, WebP, GIF, TIFF, BMP, PNM, HEIC, AVIF, JPEG XL or camera raw content");
  }
  return finished(decoder(source), source);
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

Image on_white(const Image& image) {
  const int colours = image.channels() - 1;
  Image result = make_image(image.width, image.height, colours == 1 ? PixelFormat::grey : PixelFormat::rgb);
  result.damage = image.damage;
  result.remark = image.remark;
  const auto* in = image.samples.data();
  for (auto* out = result.samples.data(); out != result.samples.data() + result.samples.size(); ++in) {
    const int alpha = in[colours];
    for (int c = 0; c < colours; ++c, ++in)
      *out++ = static_cast<std::uint8_t>((*in * alpha + 255 * (255 - alpha) + 127) / 255);
  }
  return result;
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
