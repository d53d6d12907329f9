#include "vision/metadata/metadata.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>

#include "vision/metadata/byte_reader.h"
#include "vision/metadata/exif.h"
#include "vision/metadata/iso_media.h"

namespace beeld {

namespace {

using Bytes = std::span<const std::uint8_t>;

/// Profiles of printers are the largest; more is not a profile.
constexpr std::size_t most_inflated = std::size_t{16} << 20;

std::string_view text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

void keep_first(std::vector<std::uint8_t>& kept, Bytes bytes) {
  if (kept.empty()) kept.assign(bytes.begin(), bytes.end());
}

std::vector<std::uint8_t> inflated(Bytes bytes) {
  std::vector<std::uint8_t> out;
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return out;
  // zlib's interface is older than const; the input is only read.
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::array<std::uint8_t, 1 << 14> block;
  int state = Z_OK;
  while (state == Z_OK && out.size() < most_inflated) {
    stream.next_out = block.data();
    stream.avail_out = static_cast<uInt>(block.size());
    state = inflate(&stream, Z_NO_FLUSH);
    const std::size_t came = block.size() - stream.avail_out;
    if (came == 0) break;
    out.insert(out.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(came));
  }
  inflateEnd(&stream);
  if (state != Z_STREAM_END) out.clear();
  return out;
}

// JPEG
// ------------------------------------------------------------------------------------------------------------

/// Parts of a profile that is cut over several segments, by their numbers.
using ProfileParts = std::map<int, Bytes>;

void read_segment(int marker, Bytes body, Metadata& metadata, ProfileParts& profile) {
  constexpr std::string_view exif("Exif\0\0", 6), xmp("http://ns.adobe.com/xap/1.0/\0", 29),
      icc("ICC_PROFILE\0", 12);
  const auto text = text_of(body);
  if (marker == 0xE1 && text.starts_with(exif)) {
    keep_first(metadata.exif, body);
  } else if (marker == 0xE1 && text.starts_with(xmp)) {
    keep_first(metadata.xmp, body.subspan(xmp.size()));
  } else if (marker == 0xE2 && text.starts_with(icc) && body.size() > icc.size() + 2) {
    profile.emplace(body[icc.size()], body.subspan(icc.size() + 2));
  }
}

/// Walks the segments up to the first scan.
void read_jpeg(Bytes bytes, Metadata& metadata) {
  const ByteReader reader(bytes, ByteOrder::big);
  ProfileParts profile;
  for (std::size_t at = 2; reader.has(at, 4);) {
    if (bytes[at] != 0xFF) break;
    const int marker = bytes[at + 1];
    if (marker == 0xFF) {
      ++at;  // fill bytes
      continue;
    }
    constexpr int start_of_scan = 0xDA, end_of_image = 0xD9;
    if (marker == start_of_scan || marker == end_of_image) break;
    const std::size_t length = *reader.u16(at + 2);
    if (length < 2 || !reader.has(at + 2, length)) break;
    read_segment(marker, bytes.subspan(at + 4, length - 2), metadata, profile);
    at += 2 + length;
  }
  for (const auto& [number, part] : profile)
    metadata.icc.insert(metadata.icc.end(), part.begin(), part.end());
}

// PNG
// -------------------------------------------------------------------------------------------------------------

/// The bytes of a "Raw profile type ..." text: a name, a length, and hexadecimal digits in lines.
std::vector<std::uint8_t> raw_profile(std::string_view text) {
  std::vector<std::uint8_t> out;
  const auto name = text.find_first_not_of('\n');
  auto digits = text.find('\n', std::min(name, text.size()));
  if (digits == std::string_view::npos) return out;
  digits = text.find_first_not_of(" \n", digits);
  digits = text.find('\n', std::min(digits, text.size()));  // behind the length
  if (digits == std::string_view::npos) return out;
  const auto value_of = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  int high = -1;
  for (const char c : text.substr(digits)) {
    const int value = value_of(c);
    if (value < 0) continue;
    if (high >= 0) out.push_back(static_cast<std::uint8_t>(high << 4 | value));
    high = high < 0 ? value : -1;
  }
  return out;
}

/// A text by its keyword, which is XMP or EXIF as ImageMagick and exiftool write them.
void take_text(std::string_view keyword, Bytes text, Metadata& metadata) {
  if (keyword == "XML:com.adobe.xmp") return keep_first(metadata.xmp, text);
  constexpr std::string_view raw = "Raw profile type ";
  if (!keyword.starts_with(raw)) return;
  const auto kind = keyword.substr(raw.size());
  if (kind != "xmp" && kind != "exif" && kind != "APP1") return;
  const auto profile = raw_profile(text_of(text));
  constexpr std::string_view xmp("http://ns.adobe.com/xap/1.0/\0", 29);
  if (kind == "xmp")
    keep_first(metadata.xmp, profile);
  else if (text_of(profile).starts_with(xmp))
    keep_first(metadata.xmp, Bytes(profile).subspan(xmp.size()));
  else
    keep_first(metadata.exif, profile);
}

void read_text_chunk(std::string_view type, Bytes body, Metadata& metadata) {
  const auto text = text_of(body);
  const auto end = text.find('\0');
  if (end == std::string_view::npos) return;
  const auto keyword = text.substr(0, end);
  if (keyword != "XML:com.adobe.xmp" && !keyword.starts_with("Raw profile type ") && type != "iCCP") return;
  auto rest = body.subspan(end + 1);
  if (type == "tEXt") return take_text(keyword, rest, metadata);
  bool packed = true;
  if (type == "iTXt") {
    if (rest.size() < 2) return;
    packed = rest[0] != 0;
    rest = rest.subspan(2);
    for (int i = 0; i < 2; ++i) {  // language and translated keyword
      const auto zero = text_of(rest).find('\0');
      if (zero == std::string_view::npos) return;
      rest = rest.subspan(zero + 1);
    }
  } else {
    if (rest.empty()) return;
    rest = rest.subspan(1);  // the compression: zlib, there is no other
  }
  const auto content = packed ? inflated(rest) : std::vector<std::uint8_t>(rest.begin(), rest.end());
  if (type == "iCCP") return keep_first(metadata.icc, content);
  take_text(keyword, content, metadata);
}

void read_png(Bytes bytes, Metadata& metadata) {
  const ByteReader reader(bytes, ByteOrder::big);
  for (std::size_t at = 8; reader.has(at, 12);) {
    const std::size_t length = *reader.u32(at);
    if (!reader.has(at, length + 12)) break;
    const auto type = text_of(bytes.subspan(at + 4, 4));
    const auto body = bytes.subspan(at + 8, length);
    if (type == "eXIf") keep_first(metadata.exif, body);
    if (type == "iCCP" || type == "tEXt" || type == "zTXt" || type == "iTXt")
      read_text_chunk(type, body, metadata);
    at += length + 12;
  }
}

// The others
// ------------------------------------------------------------------------------------------------------

void read_webp(Bytes bytes, Metadata& metadata) {
  const ByteReader reader(bytes, ByteOrder::little);
  for (std::size_t at = 12; reader.has(at, 8);) {
    const std::size_t length = *reader.u32(at + 4);
    if (!reader.has(at + 8, length)) break;
    const auto type = text_of(bytes.subspan(at, 4));
    const auto body = bytes.subspan(at + 8, length);
    if (type == "EXIF") keep_first(metadata.exif, body);
    if (type == "XMP ") keep_first(metadata.xmp, body);
    if (type == "ICCP") keep_first(metadata.icc, body);
    at += 8 + length + (length & 1);
  }
}

void read_iso(Bytes bytes, Metadata& metadata) {
  auto picture = read_iso_picture(bytes);
  metadata.exif = std::move(picture.exif);
  metadata.xmp = std::move(picture.xmp);
  metadata.icc = std::move(picture.icc);
  metadata.primaries = picture.primaries;
  metadata.transfer = picture.transfer;
  metadata.turned = picture.transforms.turns;
}

void read_jxl(Bytes bytes, Metadata& metadata) {
  keep_first(metadata.exif, exif_of_item(first_box(bytes, "Exif")));
  metadata.turned = true;  // its codestream says so
}

/// A TIFF is an EXIF block as a whole; it is not copied.
void read_tiff(Bytes bytes, Metadata& metadata) {
  constexpr std::uint16_t profile_tag = 34675;
  if (const auto root = exif_root(bytes)) metadata.icc = root->bytes(profile_tag);
  metadata.turned = true;  // Pillow turns it when it opens it
}

}  // namespace

Metadata read_metadata(Bytes bytes) {
  Metadata metadata;
  const auto head = text_of(bytes.first(std::min<std::size_t>(bytes.size(), 16)));
  if (head.starts_with("\xFF\xD8"))
    read_jpeg(bytes, metadata);
  else if (head.starts_with("\x89PNG"))
    read_png(bytes, metadata);
  else if (head.starts_with("RIFF"))
    read_webp(bytes, metadata);
  else if (head.starts_with("II") || head.starts_with("MM"))
    read_tiff(bytes, metadata);
  else if (head.size() >= 8 && head.substr(4, 4) == "JXL ")
    read_jxl(bytes, metadata);
  else if (iso_media_kind(bytes) != IsoMedia::none)
    read_iso(bytes, metadata);
  return metadata;
}

int orientation_of(const Metadata& metadata) {
  if (metadata.turned) return 1;
  if (const auto orientation = exif_orientation(metadata.exif)) return *orientation;
  return xmp_orientation(text_of(metadata.xmp)).value_or(1);
}

}  // namespace beeld
