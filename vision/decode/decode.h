#pragma once

#include <beeld/error.h>
#include <beeld/image.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "vision/decode/memory_budget.h"

namespace beeld {

/// A picture file in memory, and how the caller wants it decoded.
struct Source {
  std::span<const std::uint8_t> bytes;
  const DecodeOptions& options;
  const std::string& name;  ///< for messages
  MemoryLease& lease;       ///< taken by check_size()
};

/// load_image() and decode_image() for a caller who holds the lease for as long as the picture lives.
Image load_image(const std::filesystem::path& path, const DecodeOptions& options, MemoryLease& lease);
Image decode_image(std::span<const std::uint8_t> bytes, const DecodeOptions& options, const std::string& name,
                   MemoryLease& lease);

/// Throws Error(code) with a message that names the source.
[[noreturn]] void fail(ErrorCode code, const Source& source, const std::string& what);

/// Every decoder calls this once, with the header's size, before it touches a pixel: it waits for the memory.
/// `bytes_of_pixel` is what a pixel takes at most: the samples as a library gives them, and the picture's.
/// Throws Error: corrupt (a side of zero) or limit (more pixels or memory than allowed).
void check_size(const Source& source, std::int64_t width, std::int64_t height,
                std::int64_t bytes_of_pixel = 8);

/// A picture with sample storage for a size that passed check_size().
Image make_image(std::int64_t width, std::int64_t height, PixelFormat format);

/// A picture of palette indices turned into colours. `palette` holds RGB triples; a missing entry i is the
/// grey (i, i, i), as in Pillow.
Image expand_palette(int width, int height, std::span<const std::uint8_t> indices,
                     std::vector<std::uint8_t> palette);

/// Black and white for bilevel pictures: index 0 and 1.
std::vector<std::uint8_t> bilevel_palette();

/// What a file holds: its picture as stored, and how it should be turned.
struct Decoded {
  Image image;
  int orientation = 1;  ///< The EXIF orientation tag, 1 to 8.
};

Decoded decode_jpeg(const Source& source);
Decoded decode_png(const Source& source);
Decoded decode_webp(const Source& source);
Decoded decode_tiff(const Source& source);
Decoded decode_bmp(const Source& source);
Decoded decode_gif(const Source& source);
Decoded decode_pnm(const Source& source);

/// Samples as a decoding library gave them, `[H,W,channels]` in the order grey, alpha or R, G, B, alpha.
struct Raster {
  int width = 0;
  int height = 0;
  int channels = 0;
  std::vector<std::uint8_t> bytes;   ///< 8-bit samples, or empty
  std::vector<std::uint16_t> words;  ///< 16-bit samples, or empty
};

/// Decodes PNG, by stb_image. Throws Error: corrupt.
Raster decode_png_samples(const Source& source, std::span<const std::uint8_t> png);

/// Decodes WebP or TIFF, by OpenCV. Throws Error: corrupt, or unsupported, as everything is in a build
/// without OpenCV.
Raster decode_by_opencv(const Source& source, std::span<const std::uint8_t> bytes);

/// OpenCV says on stderr what it dislikes in a file. For programs whose stderr is theirs; for the whole
/// process.
void silence_opencv();

}  // namespace beeld
