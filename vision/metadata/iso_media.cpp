#include "vision/metadata/iso_media.h"

#include <algorithm>

#include "vision/metadata/byte_reader.h"

namespace beeld {

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t most_boxes = 4096, most_items = 4096;

std::string_view text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// Reads numbers one after the other; past the end all are zero and failed() is true.
class Cursor {
 public:
  explicit Cursor(Bytes bytes) : reader_(bytes, ByteOrder::big), bytes_(bytes) {}

  /// A big-endian number of 0 to 8 bytes.
  std::uint64_t number(std::size_t size) {
    if (!reader_.has(at_, size)) {
      failed_ = true;
      return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | bytes_[at_ + i];
    at_ += size;
    return value;
  }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::string_view name() {
    if (!reader_.has(at_, 4)) failed_ = true;
    if (failed_) return {};
    at_ += 4;
    return text_of(bytes_.subspan(at_ - 4, 4));
  }
  /// A text up to its zero.
  std::string_view text() {
    const auto rest = text_of(rest_of());
    const auto end = rest.find('\0');
    if (end == std::string_view::npos) {
      failed_ = true;
      return {};
    }
    at_ += end + 1;
    return rest.substr(0, end);
  }
  Bytes rest_of() const { return bytes_.subspan(std::min(at_, bytes_.size())); }
  bool failed() const { return failed_; }

 private:
  ByteReader reader_;
  Bytes bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

struct Box {
  std::string_view type;
  Bytes content;
};

/// The boxes that lie in `bytes`; the last one may be cut off.
std::vector<Box> boxes_in(Bytes bytes) {
  std::vector<Box> boxes;
  for (std::size_t at = 0; bytes.size() - at >= 8 && boxes.size() < most_boxes;) {
    Cursor cursor(bytes.subspan(at));
    std::uint64_t length = cursor.u32(), header = 8;
    const auto type = cursor.name();
    if (length == 1) length = cursor.number(8), header = 16;
    const std::uint64_t left = bytes.size() - at;
    if (length == 0 || length > left) length = left;
    if (cursor.failed() || length < header) break;
    boxes.push_back({type, bytes.subspan(at + header, length - header)});
    at += length;
  }
  return boxes;
}

Bytes first_of(const std::vector<Box>& boxes, std::string_view type) {
  const auto found = std::ranges::find(boxes, type, &Box::type);
  return found == boxes.end() ? Bytes() : found->content;
}

struct Item {
  std::uint32_t id = 0;
  std::string_view type, content_type;
};

std::vector<Item> read_items(Bytes iinf) {
  std::vector<Item> items;
  Cursor cursor(iinf);
  const auto version = cursor.number(1);
  cursor.number(3);
  cursor.number(version == 0 ? 2 : 4);
  for (const auto& box : boxes_in(cursor.rest_of())) {
    if (box.type != "infe") continue;
    Cursor entry(box.content);
    const auto entry_version = entry.number(1);
    entry.number(3);
    if (entry_version < 2) continue;
    Item item;
    item.id = static_cast<std::uint32_t>(entry.number(entry_version == 2 ? 2 : 4));
    entry.number(2);
    item.type = entry.name();
    entry.text();
    if (item.type == "mime") item.content_type = entry.text();
    if (!item.type.empty()) items.push_back(item);
  }
  return items;
}

/// The bytes of an item, put together from its extents; they lie in the file or in the box "idat".
std::vector<std::uint8_t> content_of(std::uint32_t wanted, Bytes iloc, Bytes file, Bytes idat) {
  Cursor cursor(iloc);
  const auto version = cursor.number(1);
  cursor.number(3);
  const auto sizes = cursor.number(2);
  const std::size_t offset_size = sizes >> 12 & 15, length_size = sizes >> 8 & 15,
                    base_size = sizes >> 4 & 15;
  const std::size_t index_size = version == 0 ? 0 : sizes & 15;
  std::vector<std::uint8_t> content;
  if (std::max({offset_size, length_size, base_size, index_size}) > 8) return content;
  const auto count = cursor.number(version < 2 ? 2 : 4);
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(count, most_items) && !cursor.failed(); ++i) {
    const auto id = cursor.number(version < 2 ? 2 : 4);
    const auto method = version == 0 ? 0 : cursor.number(2) & 15;
    cursor.number(2);  // the file that the data are in: this one
    const auto base = cursor.number(base_size);
    const auto extents = cursor.number(2);
    const Bytes from = method == 0 ? file : method == 1 ? idat : Bytes();
    for (std::uint64_t e = 0; e < extents && !cursor.failed(); ++e) {
      cursor.number(index_size);
      const auto offset = cursor.number(offset_size), length = cursor.number(length_size);
      if (id != wanted || cursor.failed()) continue;
      const auto at = base + offset;
      if (at < base || at > from.size() || length > from.size() - at) return {};
      // Extents may overlap; what they give together is never more than the file.
      if (content.size() + length > file.size()) return {};
      const auto part = from.subspan(at, length == 0 ? from.size() - at : length);
      content.insert(content.end(), part.begin(), part.end());
    }
    if (id == wanted) return content;
  }
  return content;
}

/// The properties of an item, in the order in which they apply.
std::vector<Box> properties_of(std::uint32_t wanted, const std::vector<Box>& iprp) {
  const auto all = boxes_in(first_of(iprp, "ipco"));
  std::vector<Box> properties;
  for (const auto& box : iprp) {
    if (box.type != "ipma") continue;
    Cursor cursor(box.content);
    const auto version = cursor.number(1), flags = cursor.number(3);
    const auto count = cursor.u32();
    for (std::uint32_t i = 0; i < count && !cursor.failed(); ++i) {
      const auto id = cursor.number(version < 1 ? 2 : 4), associations = cursor.number(1);
      for (std::uint64_t a = 0; a < associations && !cursor.failed(); ++a) {
        const auto index = flags & 1 ? cursor.number(2) & 0x7FFF : cursor.number(1) & 0x7F;
        if (id == wanted && index >= 1 && index <= all.size()) properties.push_back(all[index - 1]);
      }
    }
  }
  return properties;
}

/// An orientation as what it does: mirrored left to right first, then turned clockwise by quarters.
struct Turn {
  bool mirrored;
  int quarters;
};

constexpr Turn turns[] = {{false, 0}, {false, 0}, {true, 0}, {false, 2}, {true, 2},
                          {true, 3},  {false, 1}, {true, 1}, {false, 3}};

int orientation_of(const Turn& turn) {
  for (int orientation = 1; orientation <= 8; ++orientation)
    if (turns[orientation].mirrored == turn.mirrored && turns[orientation].quarters == turn.quarters)
      return orientation;
  return 1;
}

/// The crop that "clap" says: its size, and its centre's distance from the picture's, as fractions.
std::optional<CleanAperture> read_crop(Bytes clap, std::uint32_t width, std::uint32_t height) {
  Cursor cursor(clap);
  std::int64_t n[8];
  for (auto& value : n) value = static_cast<std::int32_t>(cursor.u32());
  if (cursor.failed() || n[1] <= 0 || n[3] <= 0 || n[5] <= 0 || n[7] <= 0) return std::nullopt;
  const auto crop_width = n[0] / n[1], crop_height = n[2] / n[3];
  const double left = double(n[4]) / double(n[5]) + (double(width) - double(crop_width)) / 2;
  const double top = double(n[6]) / double(n[7]) + (double(height) - double(crop_height)) / 2;
  if (crop_width < 1 || crop_height < 1 || left < 0 || top < 0 || left + double(crop_width) > width ||
      top + double(crop_height) > height)
    return std::nullopt;
  return CleanAperture{static_cast<std::uint32_t>(crop_width), static_cast<std::uint32_t>(crop_height),
                       static_cast<std::uint32_t>(left), static_cast<std::uint32_t>(top)};
}

void read_properties(const std::vector<Box>& properties, IsoPicture& picture) {
  Turn turn{false, 0};
  for (const auto& box : properties) {
    Cursor cursor(box.content);
    if (box.type == "ispe") {
      cursor.u32();
      picture.width = cursor.u32();
      picture.height = cursor.u32();
    } else if (box.type == "clap") {
      picture.transforms.crop = read_crop(box.content, picture.width, picture.height);
    } else if (box.type == "irot") {
      // Counter-clockwise.
      turn.quarters = (turn.quarters + 4 - static_cast<int>(cursor.number(1) & 3)) % 4;
      picture.transforms.turns = true;
    } else if (box.type == "colr") {
      const auto kind = cursor.name();
      if (kind == "nclx") {
        picture.primaries = static_cast<int>(cursor.number(2));
        picture.transfer = static_cast<int>(cursor.number(2));
      } else if (kind == "prof" || kind == "rICC") {
        const auto profile = cursor.rest_of();
        picture.icc.assign(profile.begin(), profile.end());
      }
    } else if (box.type == "imir") {
      // 0 swaps top and bottom, which is a mirror and a half turn; a mirror turns earlier turns around.
      const bool top_and_bottom = (cursor.number(1) & 1) == 0;
      turn = {!turn.mirrored, (4 - turn.quarters + (top_and_bottom ? 2 : 0)) % 4};
      picture.transforms.turns = true;
    }
  }
  picture.transforms.orientation = orientation_of(turn);
}

}  // namespace

IsoMedia iso_media_kind(Bytes bytes) {
  if (bytes.size() < 12 || text_of(bytes.subspan(4, 4)) != "ftyp") return IsoMedia::none;
  const std::size_t length =
      std::min<std::size_t>(ByteReader(bytes, ByteOrder::big).u32(0).value_or(0), bytes.size());
  constexpr std::string_view heif[] = {"heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "mif2", "mif3",
                                       "msf1", "miaf", "unif", "avci", "jpeg", "j2ki", "vvic", "heif"};
  IsoMedia kind = IsoMedia::unknown;
  for (std::size_t at = 8; at + 4 <= std::max<std::size_t>(length, 12); at += 4) {
    if (at == 12) continue;  // the version
    const auto brand = text_of(bytes.subspan(at, 4));
    if (brand == "crx ") return IsoMedia::raw;
    if (brand == "avif" || brand == "avis") return IsoMedia::avif;
    if (std::ranges::find(heif, brand) != std::end(heif)) kind = IsoMedia::heif;
  }
  return kind;
}

Bytes first_box(Bytes bytes, std::string_view type) { return first_of(boxes_in(bytes), type); }

Bytes exif_of_item(Bytes item) {
  const auto position = ByteReader(item, ByteOrder::big).u32(0);
  if (!position || *position > item.size() - 4) return {};
  return item.subspan(4 + std::size_t{*position});
}

IsoPicture read_iso_picture(Bytes bytes) {
  IsoPicture picture;
  const auto meta_box = first_box(bytes, "meta");
  if (meta_box.size() < 4) return picture;
  const auto meta = boxes_in(meta_box.subspan(4));
  Cursor pitm(first_of(meta, "pitm"));
  const auto version = pitm.number(1);
  pitm.number(3);
  const auto primary = static_cast<std::uint32_t>(pitm.number(version == 0 ? 2 : 4));
  read_properties(properties_of(primary, boxes_in(first_of(meta, "iprp"))), picture);

  const auto iloc = first_of(meta, "iloc"), idat = first_of(meta, "idat");
  for (const auto& item : read_items(first_of(meta, "iinf"))) {
    if (item.type == "Exif" && picture.exif.empty()) {
      const auto content = content_of(item.id, iloc, bytes, idat);
      const auto exif = exif_of_item(content);
      picture.exif.assign(exif.begin(), exif.end());
    } else if (item.content_type == "application/rdf+xml" && picture.xmp.empty()) {
      picture.xmp = content_of(item.id, iloc, bytes, idat);
    }
  }
  return picture;
}

}  // namespace beeld
