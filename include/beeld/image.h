#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace beeld {

/// How the file stored its samples. Some preprocessing resizes in this form, before conversion to RGB.
enum class PixelFormat {
  grey,        ///< one channel
  grey_alpha,  ///< two channels, straight alpha
  rgb,         ///< three channels
  rgba,        ///< four channels, straight alpha
  cmyk,        ///< four channels of ink, 255 is full ink
  palette,     ///< three channels that came from a palette or from 1-bit samples: never blended when resized
};

/// A decoded picture: 8-bit samples, `[H,W,channels]`, row-major, orientation already applied.
struct Image {
  int width = 0;
  int height = 0;
  PixelFormat format = PixelFormat::rgb;
  std::vector<std::uint8_t> samples;  ///< size height * width * channels()
  std::vector<std::uint8_t> palette;  ///< RGB triples of a PixelFormat::palette picture, else empty

  int channels() const;
};

/// What to do with the EXIF orientation tag. TIFF files, whose own tag it is, are always turned.
enum class Orientation {
  apply,   ///< Turn the picture the way its photographer held the camera.
  ignore,  ///< Keep the stored rows and columns, as the reference implementations do.
};

/// How JPEG files are decoded when they are much larger than needed.
enum class Decoding {
  exact,  ///< Every pixel, equal to libjpeg-turbo's slow integer decoder.
  fast,   ///< Scaled decoding (1/2, 1/4, 1/8) while the result stays at least 3x `target_edge`.
};

struct DecodeOptions {
  Orientation orientation = Orientation::apply;
  Decoding decoding = Decoding::exact;
  int target_edge = 0;                            ///< Shorter edge wanted later; used by Decoding::fast only.
  std::int64_t max_pixels = 256LL * 1000 * 1000;  ///< Checked before any pixel is decoded.
};

/// Decodes a picture file: JPEG, PNG, WebP, BMP, TIFF, PPM, or the first frame of a GIF. The content
/// decides, never the file's name.
///
/// Throws Error: not_found or io (cannot be read), unsupported (not a picture, or a form of it that
/// cannot be decoded), corrupt (truncated or damaged), limit (more than max_pixels, or than decode_memory()).
Image load_image(const std::filesystem::path& path, const DecodeOptions& options = {});

/// The same, from bytes in memory. `name` appears in error messages.
Image decode_image(std::span<const std::uint8_t> bytes, const DecodeOptions& options = {},
                   const std::string& name = "image");

/// Bytes that all pictures of this process may take while they are decoded, 2 GiB until this is called:
/// others wait, and one that alone needs more is an Error (limit). For all threads.
void set_decode_memory(std::int64_t bytes);
std::int64_t decode_memory();

/// The picture as RGB, as Pillow converts it: grey is repeated, alpha is dropped (never composited), ink
/// is subtracted from white.
Image to_rgb(const Image& image);

/// A place on the earth, in degrees: latitude north of the equator, -90 to 90, and longitude east of
/// Greenwich, -180 to 180.
struct Place {
  double latitude = 0;
  double longitude = 0;
};

/// A picture as a model's vision tower takes it: `[3,H,W]` float32, resized, cropped, normalised.
struct Pixels {
  int height = 0;
  int width = 0;
  std::vector<float> values;  ///< size 3 * height * width
};

}  // namespace beeld
