#include "vision/decode/decode.h"

#ifdef BEELD_AVIF

#include <avif/avif.h>

#include <algorithm>
#include <memory>

#include "core/base/shared_library.h"
#include "vision/decode/orientation.h"
#include "vision/metadata/iso_media.h"

namespace beeld {

namespace {

struct AvifLibrary {
  SharedLibrary library{BEELD_AVIF};
  decltype(avifDecoderCreate)& create = library["avifDecoderCreate"];
  decltype(avifDecoderDestroy)& destroy = library["avifDecoderDestroy"];
  decltype(avifDecoderSetIOMemory)& set_memory = library["avifDecoderSetIOMemory"];
  decltype(avifDecoderParse)& parse = library["avifDecoderParse"];
  decltype(avifDecoderNextImage)& next = library["avifDecoderNextImage"];
  decltype(avifRGBImageSetDefaults)& set_defaults = library["avifRGBImageSetDefaults"];
  decltype(avifImageYUVToRGB)& to_rgb = library["avifImageYUVToRGB"];
  decltype(avifResultToString)& message = library["avifResultToString"];
};

void require(const Source& source, const AvifLibrary& library, avifResult result) {
  if (result == AVIF_RESULT_OK) return;
  const bool unsupported = result == AVIF_RESULT_NO_CODEC_AVAILABLE ||
                           result == AVIF_RESULT_NOT_IMPLEMENTED || result == AVIF_RESULT_UNSUPPORTED_DEPTH;
  fail(unsupported ? ErrorCode::unsupported : ErrorCode::corrupt, source,
       std::string("AVIF: ") + library.message(result));
}

Image cropped(Image image, const CleanAperture& crop) {
  if (crop.left + crop.width > static_cast<std::uint32_t>(image.width) ||
      crop.top + crop.height > static_cast<std::uint32_t>(image.height))
    return image;
  Image part = make_image(crop.width, crop.height, image.format);
  const std::size_t channels = image.channels(), row = crop.width * channels;
  for (std::size_t y = 0; y < crop.height; ++y)
    std::copy_n(
        &image.samples[((crop.top + y) * static_cast<std::size_t>(image.width) + crop.left) * channels], row,
        &part.samples[y * row]);
  return part;
}

}  // namespace

Image decode_avif(const Source& source) {
  const auto& library = loaded<AvifLibrary>(source);
  const auto iso = read_iso_picture(source.bytes);
  // libavif would call such a file damaged.
  if (std::int64_t{iso.width} * iso.height > source.options.max_pixels)
    check_size(source, iso.width, iso.height);
  const std::unique_ptr<avifDecoder, decltype(&library.destroy)> decoder(library.create(), &library.destroy);
  decoder->maxThreads = 1;  // others decode other pictures
  decoder->strictFlags = AVIF_STRICT_DISABLED;
  decoder->ignoreExif = decoder->ignoreXMP = AVIF_TRUE;
  constexpr std::int64_t most_pixels = 16384LL * 16384;  // libavif's own
  decoder->imageSizeLimit =
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(source.options.max_pixels, 1, most_pixels));
  require(source, library, library.set_memory(decoder.get(), source.bytes.data(), source.bytes.size()));
  require(source, library, library.parse(decoder.get()));
  const auto* picture = decoder->image;
  // The planes as coded and as converted, the samples, and those of the picture turned.
  check_size(source, picture->width, picture->height, picture->depth > 8 ? 24 : 16);
  require(source, library, library.next(decoder.get()));

  avifRGBImage rgb;
  library.set_defaults(&rgb, decoder->image);
  rgb.format = decoder->alphaPresent ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
  // More than 8 bits are rounded at 16, as avifdec does, and keep their high bytes.
  const bool wide = decoder->image->depth > 8;
  rgb.depth = wide ? 16 : 8;
  Image image =
      make_image(rgb.width, rgb.height, decoder->alphaPresent ? PixelFormat::rgba : PixelFormat::rgb);
  std::vector<std::uint16_t> words(wide ? image.samples.size() : 0);
  rgb.pixels = wide ? reinterpret_cast<std::uint8_t*>(words.data()) : image.samples.data();
  rgb.rowBytes = static_cast<std::uint32_t>(image.samples.size() / rgb.height * (wide ? 2 : 1));
  require(source, library, library.to_rgb(decoder->image, &rgb));
  std::ranges::transform(words, image.samples.begin(),
                         [](std::uint16_t word) { return static_cast<std::uint8_t>(word >> 8); });

  const auto& transforms = iso.transforms;
  if (transforms.crop) image = cropped(std::move(image), *transforms.crop);
  return turn_upright(std::move(image), transforms.orientation);
}

}  // namespace beeld

#else

namespace beeld {

/// libheif reads AVIF as well; its colours differ from those of libavif, which is the reference, where chroma
/// is interpolated.
Image decode_avif(const Source& source) { return decode_heif(source); }

}  // namespace beeld

#endif
