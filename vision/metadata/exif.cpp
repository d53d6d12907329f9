#include "vision/metadata/exif.h"

#include <algorithm>

namespace beeld {

namespace {

enum Type : std::uint16_t {
  type_byte = 1,
  type_ascii = 2,
  type_short = 3,
  type_long = 4,
  type_rational = 5,
  type_undefined = 7
};

/// Bytes of one value; 0 for types that nothing here reads.
std::size_t size_of(std::uint16_t type) {
  switch (type) {
    case type_byte:
    case type_ascii:
    case type_undefined:
      return 1;
    case type_short:
      return 2;
    case type_long:
      return 4;
    case type_rational:
      return 8;
    default:
      return 0;
  }
}

bool starts_with(std::span<const std::uint8_t> bytes, std::string_view prefix) {
  return bytes.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

std::optional<int> valid_orientation(std::uint32_t value) {
  if (value < 1 || value > 8) return std::nullopt;
  return static_cast<int>(value);
}

}  // namespace

std::optional<ExifDirectory::Value> ExifDirectory::find(std::uint16_t tag) const {
  const auto entries = reader_.u16(at_);
  for (std::size_t i = 0; entries && i < *entries; ++i) {
    const std::size_t entry = at_ + 2 + 12 * i;
    if (!reader_.has(entry, 12)) return std::nullopt;
    if (reader_.u16(entry) != tag) continue;
    Value value{*reader_.u16(entry + 2), *reader_.u32(entry + 4), entry + 8};
    const std::size_t bytes = size_of(value.type) * value.count;
    if (bytes > 4) value.at = *reader_.u32(entry + 8);
    if (bytes == 0 || !reader_.has(value.at, bytes)) return std::nullopt;
    return value;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> ExifDirectory::number(std::uint16_t tag, std::size_t index) const {
  const auto value = find(tag);
  if (!value || index >= value->count) return std::nullopt;
  const std::size_t at = value->at + index * size_of(value->type);
  switch (value->type) {
    case type_byte:
      return reader_.u8(at);
    case type_short:
      return reader_.u16(at);
    case type_long:
      return reader_.u32(at);
    default:
      return std::nullopt;
  }
}

std::optional<double> ExifDirectory::rational(std::uint16_t tag, std::size_t index) const {
  const auto value = find(tag);
  if (!value || value->type != type_rational || index >= value->count) return std::nullopt;
  const auto above = *reader_.u32(value->at + 8 * index), below = *reader_.u32(value->at + 8 * index + 4);
  if (below == 0) return std::nullopt;
  return double{static_cast<double>(above)} / below;
}

std::string ExifDirectory::text(std::uint16_t tag) const {
  constexpr std::uint32_t longest = 64;
  const auto value = find(tag);
  std::string text;
  if (!value || value->type != type_ascii) return text;
  for (std::uint32_t i = 0; i < std::min(value->count, longest); ++i) {
    const char c = static_cast<char>(*reader_.u8(value->at + i));
    if (c == '\0') break;
    text += c;
  }
  return text;
}

std::vector<std::uint8_t> ExifDirectory::bytes(std::uint16_t tag) const {
  const auto value = find(tag);
  if (!value || (value->type != type_byte && value->type != type_undefined)) return {};
  const auto found = reader_.bytes().subspan(value->at, value->count);
  return {found.begin(), found.end()};
}

std::optional<ExifDirectory> ExifDirectory::below(std::uint16_t tag, std::size_t index) const {
  const auto at = number(tag, index);
  if (!at) return std::nullopt;
  return ExifDirectory(reader_, *at);
}

std::optional<ExifDirectory> exif_root(std::span<const std::uint8_t> exif) {
  if (starts_with(exif, std::string_view("Exif\0\0", 6))) exif = exif.subspan(6);
  const bool little = starts_with(exif, "II");
  if (!little && !starts_with(exif, "MM")) return std::nullopt;
  const ByteReader reader(exif, little ? ByteOrder::little : ByteOrder::big);
  const auto root = reader.u32(4);
  if (!root) return std::nullopt;
  return ExifDirectory(reader, *root);
}

std::optional<int> exif_orientation(std::span<const std::uint8_t> exif) {
  constexpr std::uint16_t orientation_tag = 0x0112;
  const auto root = exif_root(exif);
  const auto value = root ? root->number(orientation_tag) : std::nullopt;
  return value ? valid_orientation(*value) : std::nullopt;
}

std::optional<int> xmp_orientation(std::string_view xmp) {
  constexpr std::string_view name = "tiff:Orientation";
  for (auto at = xmp.find(name); at != std::string_view::npos; at = xmp.find(name, at + 1)) {
    auto rest = xmp.substr(at + name.size());
    rest.remove_prefix(std::min(rest.find_first_not_of("= \t\r\n\"'>"), rest.size()));
    // One digit and no more: an attribute, or an element's text.
    if (rest.size() < 2 || (rest[1] >= '0' && rest[1] <= '9')) continue;
    if (const auto value = valid_orientation(static_cast<std::uint32_t>(rest[0] - '0'))) return value;
  }
  return std::nullopt;
}

}  // namespace beeld
