#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace beeld {

/// What a picture file says beside its pixels. What is absent or damaged is empty.
struct Metadata {
  std::vector<std::uint8_t> exif;  ///< from its TIFF header on, with or without a leading "Exif\0\0"
  std::vector<std::uint8_t> xmp;
  std::vector<std::uint8_t> icc;  ///< the colour profile
  int primaries = 0;              ///< The colours by number (ITU-T H.273), where a file has them so; else 0.
  int transfer = 0;
  bool turned = false;  ///< Whether the file says itself how it is turned, so that EXIF has nothing to add.
};

/// Reads what all kinds of picture files say, by their content. Never throws on damaged content.
Metadata read_metadata(std::span<const std::uint8_t> bytes);

/// The orientation tag of EXIF, else of XMP, 1 to 8; 1 where neither has one, or the file says it itself.
int orientation_of(const Metadata& metadata);

}  // namespace beeld
