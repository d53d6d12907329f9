#pragma once

#include <cstdint>
#include <span>

#include "vision/decode/byte_reader.h"

namespace beeld {

/// The orientation tag (0x0112) of an EXIF block, which is a TIFF header with its directories, with or
/// without the leading "Exif\0\0". Returns 1 (upright) where the tag is absent or the block is damaged.
int exif_orientation(std::span<const std::uint8_t> exif);

}  // namespace beeld
