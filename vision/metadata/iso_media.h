#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace beeld {

/// What the brands of an ISO media file ("ftyp") say that it is.
enum class IsoMedia {
  none,     ///< Not such a file.
  heif,     ///< Pictures coded as HEVC or otherwise: HEIC, HEIF.
  avif,     ///< Pictures coded as AV1.
  raw,      ///< A camera's raw file: Canon's CR3.
  unknown,  ///< A video, or brands that nothing here knows.
};

IsoMedia iso_media_kind(std::span<const std::uint8_t> bytes);

/// A part of a picture's size, in pixels.
struct CleanAperture {
  std::uint32_t width = 0, height = 0;
  std::uint32_t left = 0, top = 0;
};

/// How the primary picture of a file is to be shown, in this order (the properties clap, irot and imir).
struct IsoTransforms {
  std::optional<CleanAperture> crop;
  int orientation = 1;  ///< The EXIF orientation that does what irot and imir say.
  bool turns = false;   ///< Whether there is an irot or imir at all, which EXIF then has nothing to add to.
};

/// What beeld needs of a HEIC or AVIF file beside its pixels. What is absent or damaged is empty.
struct IsoPicture {
  std::uint32_t width = 0, height = 0;  ///< of the primary picture as stored (ispe)
  IsoTransforms transforms;
  std::vector<std::uint8_t> exif;  ///< from its TIFF header on
  std::vector<std::uint8_t> xmp;
  std::vector<std::uint8_t> icc;  ///< its colour profile
  int primaries = 0;  ///< its colours by number (ITU-T H.273), where it has no profile; 0 where unsaid
  int transfer = 0;
};

/// Reads the "meta" box. Never throws on damaged content, and takes no more memory than the file.
IsoPicture read_iso_picture(std::span<const std::uint8_t> bytes);

/// Contents of the first box of a type that lies in `bytes`, such as the "Exif" box of a JPEG XL file; empty
/// where there is none.
std::span<const std::uint8_t> first_box(std::span<const std::uint8_t> bytes, std::string_view type);

/// The TIFF header and what follows it in an "Exif" item or box, which begins with the header's position.
std::span<const std::uint8_t> exif_of_item(std::span<const std::uint8_t> item);

}  // namespace beeld
