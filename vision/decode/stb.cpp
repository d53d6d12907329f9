// The one place that holds stb_image.
#include <algorithm>
#include <climits>
#include <cstdlib>
#include <memory>

#include "vision/decode/decode.h"

namespace beeld {

namespace {

/// A stream may inflate to more than its picture needs, and stb_image takes what comes: it grows no further.
thread_local std::size_t most_bytes = 0;

void* grow(void* memory, std::size_t bytes) {
  return bytes > most_bytes ? nullptr : std::realloc(memory, bytes);
}

}  // namespace

}  // namespace beeld

#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_NO_STDIO
#define STBI_ONLY_PNG
#define STBI_NO_FAILURE_STRINGS
#define STBI_MAX_DIMENSIONS (1 << 24)
#define STBI_MALLOC(bytes) std::malloc(bytes)
#define STBI_REALLOC(memory, bytes) beeld::grow(memory, bytes)
#define STBI_FREE(memory) std::free(memory)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

namespace beeld {

Raster decode_png_samples(const Source& source, std::span<const std::uint8_t> png) {
  if (png.size() > INT_MAX) fail(ErrorCode::limit, source, "a file of more than 2 GB");
  const int size = static_cast<int>(png.size());
  Raster raster;
  int *const width = &raster.width, *const height = &raster.height, *const channels = &raster.channels;
  if (!stbi_info_from_memory(png.data(), size, width, height, channels))
    fail(ErrorCode::corrupt, source, "damaged PNG header");
  const bool wide = stbi_is_16_bit_from_memory(png.data(), size) != 0;
  const auto row_bytes = std::size_t(*width) * *channels * (wide ? 2 : 1) + 1;
  constexpr std::size_t least = 4096;  // what stb_image begins with
  most_bytes = 2 * std::max({row_bytes * *height, png.size(), least});
  const auto samples_of = [&](auto* decoded) {
    const std::unique_ptr<std::remove_pointer_t<decltype(decoded)>, decltype(&std::free)> samples(decoded,
                                                                                                  &std::free);
    if (!samples) fail(ErrorCode::corrupt, source, "damaged PNG data");
    return std::vector(decoded, decoded + std::size_t(*width) * *height * *channels);
  };
  if (wide) {
    raster.words = samples_of(stbi_load_16_from_memory(png.data(), size, width, height, channels, 0));
  } else {
    raster.bytes = samples_of(stbi_load_from_memory(png.data(), size, width, height, channels, 0));
  }
  return raster;
}

}  // namespace beeld
