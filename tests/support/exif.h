#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace beeld::testing {

using ExifBytes = std::vector<std::uint8_t>;

/// A tag of an EXIF block that a test makes.
struct ExifTag {
  std::uint16_t tag, type;
  std::vector<std::uint32_t> values;  ///< Of a rational: numerator and denominator in turn.
  std::string text;                   ///< Of type ASCII, written with its zero.
};

ExifTag exif_short(std::uint16_t tag, std::uint32_t value);
ExifTag exif_long(std::uint16_t tag, std::uint32_t value);
ExifTag exif_text(std::uint16_t tag, std::string text);
ExifTag exif_rationals(std::uint16_t tag, std::vector<std::uint32_t> numerators_and_denominators);

/// What an EXIF block holds; the directories below the root are written where they are not empty.
struct ExifContent {
  std::vector<ExifTag> root = {}, exif = {}, gps = {};
  bool little = true;
  std::uint16_t exif_at = 0x8769;  ///< The tag that leads to `exif`.
};

/// A TIFF header and its directories.
ExifBytes exif_block(ExifContent content);

/// The JPEG with the block in its first segment.
ExifBytes jpeg_with_exif(const ExifBytes& jpeg, const ExifBytes& block);

}  // namespace beeld::testing
