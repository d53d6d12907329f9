#include "tests/support/exif.h"

#include <algorithm>
#include <utility>

namespace beeld::testing {

namespace {

constexpr std::uint16_t type_byte = 1, type_ascii = 2, type_short = 3, type_long = 4, type_rational = 5,
                        type_signed_rational = 10;
constexpr std::size_t header_bytes = 8, entry_bytes = 12;

class Writer {
 public:
  explicit Writer(bool little) : little_(little) {}

  void number(std::uint32_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
      bytes.push_back(static_cast<std::uint8_t>(value >> 8 * (little_ ? i : size - 1 - i)));
  }

  /// A directory at the end; values that do not fit in their entries follow it.
  void directory(const std::vector<ExifTag>& tags) {
    const std::size_t values_at = bytes.size() + 2 + entry_bytes * tags.size() + 4;
    Writer values(little_);
    number(static_cast<std::uint32_t>(tags.size()), 2);
    for (const auto& tag : tags) {
      Writer content(little_);
      if (tag.type == type_ascii) content.bytes.assign(tag.text.begin(), tag.text.end());
      if (tag.type == type_ascii) content.bytes.push_back(0);
      const std::size_t value_bytes = tag.type == type_byte ? 1 : tag.type == type_short ? 2 : 4;
      for (const auto value : tag.values) content.number(value, value_bytes);
      const bool rational = tag.type == type_rational || tag.type == type_signed_rational;
      const std::size_t count =
          tag.type == type_ascii ? content.bytes.size() : tag.values.size() / (rational ? 2 : 1);
      number(tag.tag, 2);
      number(tag.type, 2);
      number(static_cast<std::uint32_t>(count), 4);
      if (content.bytes.size() > 4) {
        number(static_cast<std::uint32_t>(values_at + values.bytes.size()), 4);
        values.bytes.insert(values.bytes.end(), content.bytes.begin(), content.bytes.end());
      } else {
        content.bytes.resize(4);
        bytes.insert(bytes.end(), content.bytes.begin(), content.bytes.end());
      }
    }
    number(0, 4);
    bytes.insert(bytes.end(), values.bytes.begin(), values.bytes.end());
  }

  ExifBytes bytes;

 private:
  bool little_;
};

}  // namespace

ExifTag exif_short(std::uint16_t tag, std::uint32_t value) { return {tag, type_short, {value}, {}}; }
ExifTag exif_long(std::uint16_t tag, std::uint32_t value) { return {tag, type_long, {value}, {}}; }
ExifTag exif_text(std::uint16_t tag, std::string text) { return {tag, type_ascii, {}, std::move(text)}; }
ExifTag exif_rationals(std::uint16_t tag, std::vector<std::uint32_t> values) {
  return {tag, type_rational, std::move(values), {}};
}

ExifBytes exif_block(ExifContent content) {
  constexpr std::uint16_t gps_tag = 0x8825;
  const auto put = [&](std::uint16_t tag, const std::vector<ExifTag>& tags, const ExifBytes& before) {
    if (!tags.empty()) content.root.push_back(exif_long(tag, static_cast<std::uint32_t>(before.size())));
  };
  // The directories below come first, so that their positions are known.
  Writer writer(content.little);
  writer.bytes.resize(header_bytes);
  put(content.exif_at, content.exif, writer.bytes);
  if (!content.exif.empty()) writer.directory(content.exif);
  put(gps_tag, content.gps, writer.bytes);
  if (!content.gps.empty()) writer.directory(content.gps);
  const auto root = static_cast<std::uint32_t>(writer.bytes.size());
  writer.directory(content.root);
  Writer header(content.little);
  header.number(content.little ? 0x4949 : 0x4D4D, 2);
  header.number(42, 2);
  header.number(root, 4);
  std::copy(header.bytes.begin(), header.bytes.end(), writer.bytes.begin());
  return std::move(writer.bytes);
}

ExifBytes jpeg_with_exif(const ExifBytes& jpeg, const ExifBytes& block) {
  const std::size_t length = block.size() + 8;
  ExifBytes segment = {0xFF,
                       0xE1,
                       static_cast<std::uint8_t>(length >> 8),
                       static_cast<std::uint8_t>(length),
                       'E',
                       'x',
                       'i',
                       'f',
                       0,
                       0};
  segment.insert(segment.end(), block.begin(), block.end());
  ExifBytes out = jpeg;
  out.insert(out.begin() + 2, segment.begin(), segment.end());
  return out;
}

}  // namespace beeld::testing
