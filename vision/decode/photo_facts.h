#pragma once

#include <beeld/image.h>

#include <cstdint>
#include <optional>
#include <span>

namespace beeld {

/// What a camera wrote beside the pixels.
struct PhotoFacts {
  std::optional<std::int64_t> taken;  ///< Seconds since 1970 of the local time, as the camera wrote it.
  std::optional<int> offset;  ///< Minutes that this local time is ahead of UTC, where that is written.
  std::optional<Place> place;
};

/// Reads the time and the place from the EXIF block of a picture file: JPEG, PNG, WebP, TIFF and the camera
/// raw files that are TIFFs, HEIC, AVIF, JPEG XL. No pixel is decoded and no other library is asked. What is
/// absent, damaged or impossible (a 31st of February, a latitude of 100 degrees) is left out; never throws.
PhotoFacts read_photo_facts(std::span<const std::uint8_t> bytes);

}  // namespace beeld
