#pragma once

#include <beeld/image.h>

#include <filesystem>
#include <string>

namespace beeld {

/// A small JPEG of a picture.
struct Thumbnail {
  int width = 0;
  int height = 0;
  std::string jpeg;  ///< The file's bytes.
};

/// A picture made to fit into a box.
struct FittedPicture {
  Image image;  ///< RGB; what was transparent is white.

  /// Of the file's picture, turned upright; at Decoding::fast maybe of a smaller one of the same shape.
  int width = 0, height = 0;
};

struct Box {
  int width = 0;
  int height = 0;
};

/// Never enlarged. Throws Error as load_image does.
FittedPicture fit_picture(const std::filesystem::path& path, Box box, Decoding decoding = Decoding::fast);

/// Fits the picture into 640 x 256 pixels, never enlarged; what is transparent becomes white. Throws Error as
/// load_image does.
Thumbnail make_thumbnail(const std::filesystem::path& path);

/// A baseline JPEG of an RGB picture. Throws Error(limit) for more than 65,500 pixels a side.
std::string encode_jpeg(const Image& rgb, int quality);

}  // namespace beeld
