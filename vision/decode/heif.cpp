#include "vision/decode/decode.h"

#ifdef BEELD_HEIF

#include <libheif/heif.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "core/base/shared_library.h"

namespace beeld {

namespace {

struct HeifLibrary {
  SharedLibrary library{BEELD_HEIF};
  decltype(heif_context_alloc)& context_alloc = library["heif_context_alloc"];
  decltype(heif_context_free)& context_free = library["heif_context_free"];
  decltype(heif_context_read_from_memory_without_copy)& read =
      library["heif_context_read_from_memory_without_copy"];
  decltype(heif_context_set_maximum_image_size_limit)& limit =
      library["heif_context_set_maximum_image_size_limit"];
  decltype(heif_context_get_primary_image_handle)& primary = library["heif_context_get_primary_image_handle"];
  decltype(heif_image_handle_release)& handle_release = library["heif_image_handle_release"];
  decltype(heif_image_handle_get_width)& width = library["heif_image_handle_get_width"];
  decltype(heif_image_handle_get_height)& height = library["heif_image_handle_get_height"];
  decltype(heif_image_handle_get_ispe_width)& coded_width = library["heif_image_handle_get_ispe_width"];
  decltype(heif_image_handle_get_ispe_height)& coded_height = library["heif_image_handle_get_ispe_height"];
  decltype(heif_image_handle_has_alpha_channel)& has_alpha = library["heif_image_handle_has_alpha_channel"];
  decltype(heif_image_handle_get_luma_bits_per_pixel)& bits =
      library["heif_image_handle_get_luma_bits_per_pixel"];
  decltype(heif_decode_image)& decode = library["heif_decode_image"];
  decltype(heif_image_release)& image_release = library["heif_image_release"];
  decltype(heif_image_get_width)& plane_width = library["heif_image_get_width"];
  decltype(heif_image_get_height)& plane_height = library["heif_image_get_height"];
  decltype(heif_image_get_plane_readonly)& plane = library["heif_image_get_plane_readonly"];
  decltype(heif_image_get_bits_per_pixel_range)& plane_bits = library["heif_image_get_bits_per_pixel_range"];
};

template <class Object>
using Owned = std::unique_ptr<Object, void (*)(const Object*)>;

void require(const Source& source, const heif_error& error) {
  if (error.code == heif_error_Ok) return;
  const bool unsupported =
      error.code == heif_error_Unsupported_feature || error.code == heif_error_Unsupported_filetype;
  const bool limit = error.subcode == heif_suberror_Security_limit_exceeded;
  fail(unsupported ? ErrorCode::unsupported
       : limit     ? ErrorCode::limit
                   : ErrorCode::corrupt,
       source, std::string("HEIF: ") + (error.message ? error.message : "unknown error"));
}

/// Rows of libheif's, 8 bits a sample or the high bits of two little-endian bytes.
Image copied(const Source& source, const HeifLibrary& library, const heif_image* decoded, bool alpha) {
  int stride = 0;
  const auto* plane = library.plane(decoded, heif_channel_interleaved, &stride);
  const int width = library.plane_width(decoded, heif_channel_interleaved);
  const int height = library.plane_height(decoded, heif_channel_interleaved);
  if (!plane || width < 1 || height < 1) fail(ErrorCode::corrupt, source, "HEIF without pixels");
  const int bits = library.plane_bits(decoded, heif_channel_interleaved);
  Image image = make_image(width, height, alpha ? PixelFormat::rgba : PixelFormat::rgb);
  const std::size_t samples = image.samples.size() / static_cast<std::size_t>(height);
  for (int y = 0; y < height; ++y) {
    const auto* in = plane + std::ptrdiff_t{y} * stride;
    auto* out = image.samples.data() + static_cast<std::size_t>(y) * samples;
    if (bits <= 8) {
      std::copy_n(in, samples, out);
    } else {
      for (std::size_t i = 0; i < samples; ++i)
        out[i] = static_cast<std::uint8_t>((in[2 * i] | in[2 * i + 1] << 8) >> (bits - 8));
    }
  }
  return image;
}

}  // namespace

Image decode_heif(const Source& source) {
  const auto& library = loaded<HeifLibrary>(source);
  const std::unique_ptr<heif_context, decltype(&library.context_free)> context(library.context_alloc(),
                                                                               &library.context_free);
  // libheif holds all that a file is put together from, tiles and overlays, to the square of this edge.
  const double edge = std::ceil(std::sqrt(static_cast<double>(source.options.max_pixels)));
  library.limit(context.get(), static_cast<int>(std::clamp(edge, 64.0, 32768.0)));
  require(source, library.read(context.get(), source.bytes.data(), source.bytes.size(), nullptr));
  heif_image_handle* found = nullptr;
  require(source, library.primary(context.get(), &found));
  const Owned<heif_image_handle> handle(found, &library.handle_release);

  const bool wide = library.bits(handle.get()) > 8, alpha = library.has_alpha(handle.get()) != 0;
  // The planes as coded, the samples as libheif gives them, and the picture's. A crop is made last.
  const std::int64_t width = library.width(handle.get()), height = library.height(handle.get());
  const std::int64_t coded_width = library.coded_width(handle.get()),
                     coded_height = library.coded_height(handle.get());
  const bool crops = coded_width > 0 && coded_height > 0 && coded_width * coded_height > width * height;
  check_size(source, crops ? coded_width : width, crops ? coded_height : height, wide ? 24 : 16);
  const auto chroma = wide ? (alpha ? heif_chroma_interleaved_RRGGBBAA_LE : heif_chroma_interleaved_RRGGBB_LE)
                           : (alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB);
  heif_image* pixels = nullptr;
  require(source, library.decode(handle.get(), &pixels, heif_colorspace_RGB, chroma, nullptr));
  const Owned<heif_image> decoded(pixels, &library.image_release);
  return copied(source, library, decoded.get(), alpha);
}

}  // namespace beeld

#else

namespace beeld {

Image decode_heif(const Source& source) { fail_without(source, "libheif", "HEIC and HEIF"); }

}  // namespace beeld

#endif
