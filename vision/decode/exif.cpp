#include "vision/decode/exif.h"

#include <algorithm>
#include <string_view>

namespace beeld {

namespace {

bool starts_with(std::span<const std::uint8_t> bytes, std::string_view prefix) {
  return bytes.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

}  // namespace

int exif_orientation(std::span<const std::uint8_t> exif) {
  constexpr std::uint16_t orientation_tag = 0x0112;
  constexpr std::uint16_t type_short = 3;
  constexpr int upright = 1;

  if (starts_with(exif, std::string_view("Exif\0\0", 6))) exif = exif.subspan(6);
  const bool little = starts_with(exif, "II");
  if (!little && !starts_with(exif, "MM")) return upright;
  const ByteReader reader(exif, little ? ByteOrder::little : ByteOrder::big);

  const auto directory = reader.u32(4);
  if (!directory) return upright;
  const auto entries = reader.u16(*directory);
  if (!entries) return upright;
  for (std::size_t i = 0; i < *entries; ++i) {
    const std::size_t entry = std::size_t{*directory} + 2 + 12 * i;
    if (!reader.has(entry, 12)) return upright;
    if (reader.u16(entry) != orientation_tag || reader.u16(entry + 2) != type_short) continue;
    const int value = reader.u16(entry + 8).value_or(upright);
    return value >= 1 && value <= 8 ? value : upright;
  }
  return upright;
}

}  // namespace beeld
