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

/// What each format holds, as stored: not turned yet where the format leaves that to EXIF.
Image decode_jpeg(const Source& source);
Image decode_png(const Source& source);
Image decode_webp(const Source& source);
Image decode_tiff(const Source& source);
Image decode_bmp(const Source& source);
Image decode_gif(const Source& source);
Image decode_pnm(const Source& source);
Image decode_heif(const Source& source);
Image decode_avif(const Source& source);
Image decode_jxl(const Source& source);
Image decode_raw(const Source& source);

/// Width and height of a JPEG file, by its header. Throws Error(corrupt).
struct JpegSize {
  std::int64_t width, height;
};
JpegSize jpeg_size(const Source& source);

/// Whether a file that begins like a TIFF is a camera's raw file.
bool is_raw_tiff(std::span<const std::uint8_t> bytes);

/// Samples as a decoding library gave them, `[H,W,channels]` in the order grey, alpha or R, G, B, alpha.
struct Raster {
  int width = 0;
  int height = 0;
  int channels = 0;
  std::vector<std::uint8_t> bytes;   ///< 8-bit samples, or empty
  std::vector<std::uint16_t> words;  ///< 16-bit samples, or empty
  std::vector<float> floats;         ///< samples of any range, or empty
};

/// Decodes PNG, by stb_image. Throws Error: corrupt.
Raster decode_png_samples(const Source& source, std::span<const std::uint8_t> png);

/// What a damaged file is worth: how many of its rows came, of all.
struct Salvage {
  std::int64_t rows = 0, all = 0;
  std::string damage;
};

/// Marks a picture as damaged. Throws Error(corrupt) where the options refuse it, or less than half of it
/// came.
void mark_damaged(const Source& source, const Salvage& salvage, Image& image);

/// A picture with an alpha channel composed on white.
Image on_white(const Image& image);

/// The functions of a library that is loaded when a file first needs it, as Library's constructor looks them
/// up.
template <class Library>
const Library& loaded(const Source& source) {
  try {
    static const Library library;
    return library;
  } catch (const Error& error) {
    fail(error.code(), source, error.what());
  }
}

/// For a build without the library that reads a format. Throws Error(unsupported).
[[noreturn]] void fail_without(const Source& source, const std::string& library, const std::string& formats);

}  // namespace beeld
