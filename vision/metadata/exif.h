#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vision/metadata/byte_reader.h"

namespace beeld {

/// One directory of an EXIF block or of a TIFF file, which have the same form. Tags that are absent, or whose
/// values lie outside the block, have no value.
class ExifDirectory {
 public:
  ExifDirectory(const ByteReader& reader, std::size_t at) : reader_(reader), at_(at) {}

  /// Value `index` of a tag of type BYTE, SHORT or LONG.
  std::optional<std::uint32_t> number(std::uint16_t tag, std::size_t index = 0) const;

  /// Value `index` of a tag of type RATIONAL; none where it is divided by zero.
  std::optional<double> rational(std::uint16_t tag, std::size_t index = 0) const;

  /// A tag of type ASCII up to its first zero, at most 64 characters.
  std::string text(std::uint16_t tag) const;

  /// The values of a tag of type BYTE or UNDEFINED.
  std::vector<std::uint8_t> bytes(std::uint16_t tag) const;

  /// The directory whose position a tag holds.
  std::optional<ExifDirectory> below(std::uint16_t tag, std::size_t index = 0) const;

 private:
  struct Value {
    std::uint16_t type;
    std::uint32_t count;
    std::size_t at;  ///< of the first value
  };
  std::optional<Value> find(std::uint16_t tag) const;

  ByteReader reader_;
  std::size_t at_;
};

/// The root directory of an EXIF block, a TIFF header with its directories, with or without the leading
/// "Exif\0\0". None where the header is damaged.
std::optional<ExifDirectory> exif_root(std::span<const std::uint8_t> exif);

/// The orientation tag (0x0112), 1 to 8, of an EXIF block. None where the tag is absent or the block damaged.
std::optional<int> exif_orientation(std::span<const std::uint8_t> exif);

/// The same tag in an XMP packet, as an attribute or an element.
std::optional<int> xmp_orientation(std::string_view xmp);

}  // namespace beeld
