// The one place that holds stb_image: the decoder of a build without OpenCV.
#include "vision/decode.h"

#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_NO_STDIO
#define STBI_ONLY_PNG
#define STBI_NO_FAILURE_STRINGS
#define STBI_MAX_DIMENSIONS (1 << 24)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <climits>
#include <memory>
#include <string_view>

namespace beeld {

Raster decode_raster(const Source& source, std::span<const std::uint8_t> bytes) {
  if (bytes.size() > INT_MAX) fail(ErrorCode::limit, source, "a file of more than 2 GB");
  constexpr std::string_view png = "\x89PNG";
  if (!std::equal(png.begin(), png.end(), reinterpret_cast<const char*>(bytes.data())))
    fail(ErrorCode::unsupported, source, "this build of beeld lacks OpenCV, which reads WebP and TIFF");
  const int size = static_cast<int>(bytes.size());
  const auto release = [](void* samples) { stbi_image_free(samples); };
  Raster raster;
  int* const width = &raster.width;
  int* const height = &raster.height;
  int* const channels = &raster.channels;
  if (stbi_is_16_bit_from_memory(bytes.data(), size)) {
    const std::unique_ptr<stbi_us, decltype(release)> samples(
        stbi_load_16_from_memory(bytes.data(), size, width, height, channels, 0), release);
    if (!samples) fail(ErrorCode::corrupt, source, "damaged picture data");
    raster.words.assign(samples.get(), samples.get() + std::size_t(*width) * *height * *channels);
  } else {
    const std::unique_ptr<stbi_uc, decltype(release)> samples(
        stbi_load_from_memory(bytes.data(), size, width, height, channels, 0), release);
    if (!samples) fail(ErrorCode::corrupt, source, "damaged picture data");
    raster.bytes.assign(samples.get(), samples.get() + std::size_t(*width) * *height * *channels);
  }
  return raster;
}

}  // namespace beeld
