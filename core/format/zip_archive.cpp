#include "core/format/zip_archive.h"

#include "core/base/text.h"

#include <beeld/error.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace beeld {

namespace {

// The layouts of PKWARE's APPNOTE.TXT, sections 4.3.7 to 4.3.16.
constexpr std::uint32_t local_mark = 0x04034b50, entry_mark = 0x02014b50, end_mark = 0x06054b50;
constexpr std::uint32_t end64_mark = 0x06064b50, locator_mark = 0x07064b50;
constexpr std::uint64_t local_bytes = 30, entry_bytes = 46, end_bytes = 22, end64_bytes = 56;
constexpr std::uint64_t locator_bytes = 20;
constexpr std::uint32_t in_zip64 = 0xffffffff;  // what a field of 32 bits holds whose value is elsewhere
constexpr std::uint16_t zip64_extra = 1;
constexpr std::uint16_t encrypted_flag = 1, descriptor_flag = 8;

struct Directory {
  std::uint64_t begin = 0, end = 0, count = 0;
};

struct Entry {
  std::string_view name;
  std::uint16_t flags = 0, method = 0;
  std::uint64_t packed = 0, size = 0, header = 0;
};

class Reader {
 public:
  Reader(std::span<std::byte> bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  Directory directory() const {
    if (bytes_.size() < end_bytes || load<std::uint32_t>(bytes_.size() - end_bytes) != end_mark)
      corrupt("the zip archive has no end record; the file is cut off or longer than it was");
    const auto end = bytes_.size() - end_bytes;
    if (load<std::uint32_t>(end + 4) != 0 || load<std::uint16_t>(end + 20) != 0)
      corrupt("expected a zip archive of one disk, without a comment");
    Directory found{load<std::uint32_t>(end + 16), end, load<std::uint16_t>(end + 10)};
    std::uint64_t size = load<std::uint32_t>(end + 12);
    if (end >= locator_bytes && load<std::uint32_t>(end - locator_bytes) == locator_mark) {
      const auto locator = end - locator_bytes, place = load<std::uint64_t>(locator + 8);
      if (locator < end64_bytes || place > locator - end64_bytes ||
          load<std::uint32_t>(place) != end64_mark || load<std::uint64_t>(place + 4) != locator - place - 12)
        corrupt("the zip64 end record is not where its locator says");
      found.end = place;
      found.count = wide(found.count, 0xffff, load<std::uint64_t>(place + 32));
      size = wide(size, in_zip64, load<std::uint64_t>(place + 40));
      found.begin = wide(found.begin, in_zip64, load<std::uint64_t>(place + 48));
    }
    if (found.begin > found.end || size != found.end - found.begin || found.count > size / entry_bytes) {
      corrupt("the zip directory claims " + std::to_string(found.count) + " entries in " +
              std::to_string(size) + " bytes at " + std::to_string(found.begin) + ", and " +
              std::to_string(found.end) + " is where it ends");
    }
    return found;
  }

  /// The entry at `at`, which moves behind it.
  Entry entry(std::uint64_t& at, const Directory& directory) const {
    if (directory.end - at < entry_bytes || load<std::uint32_t>(at) != entry_mark)
      corrupt("the zip directory has no entry at byte " + std::to_string(at));
    const std::uint64_t name = load<std::uint16_t>(at + 28), extra = load<std::uint16_t>(at + 30),
                        comment = load<std::uint16_t>(at + 32);
    if (directory.end - at - entry_bytes < name + extra + comment)
      corrupt("the zip directory ends within the entry at byte " + std::to_string(at));
    Entry found{text(at + entry_bytes, name), load<std::uint16_t>(at + 8),  load<std::uint16_t>(at + 10),
                load<std::uint32_t>(at + 20), load<std::uint32_t>(at + 24), load<std::uint32_t>(at + 42)};
    read_zip64(found, at + entry_bytes + name, extra);
    at += entry_bytes + name + extra + comment;
    return found;
  }

  /// From where to where the header and the bytes of an entry lie; `record` is filled.
  std::pair<std::uint64_t, std::uint64_t> place(const Entry& entry, const Directory& directory,
                                                ZipRecord& record) const {
    const auto at = entry.header;
    const auto limit = directory.begin;
    const auto wrong = [&] {
      corrupt("the record " + excerpt(entry.name) +
              " is not where the zip directory says, or not as it says");
    };
    if (limit < local_bytes || at > limit - local_bytes || load<std::uint32_t>(at) != local_mark) wrong();
    const std::uint64_t name = load<std::uint16_t>(at + 26), extra = load<std::uint16_t>(at + 28);
    if (limit - at - local_bytes < name + extra) wrong();
    const auto begin = at + local_bytes + name + extra;
    if (entry.packed > limit - begin) {
      corrupt("the record " + excerpt(entry.name) + " claims " + std::to_string(entry.packed) +
              " bytes, there are " + std::to_string(limit - begin));
    }
    const auto flags = load<std::uint16_t>(at + 6), method = load<std::uint16_t>(at + 8);
    const auto size = load<std::uint32_t>(at + 18);
    const bool sized = (flags & descriptor_flag) == 0 && size != in_zip64;
    if (text(at + local_bytes, name) != entry.name || method != entry.method ||
        ((flags ^ entry.flags) & encrypted_flag) != 0 || (sized && size != entry.packed))
      wrong();
    record.bytes = bytes_.subspan(begin, entry.packed);
    record.stored = method == 0 && (entry.flags & encrypted_flag) == 0 && entry.packed == entry.size;
    return {at, begin + entry.packed};
  }

  [[noreturn]] void corrupt(const std::string& fact) const {
    throw Error(ErrorCode::corrupt, "[zip] " + file_ + ": " + fact);
  }

 private:
  template <class T>
  T load(std::uint64_t at) const {
    T value;
    std::memcpy(&value, bytes_.data() + at, sizeof value);
    return value;
  }

  std::string_view text(std::uint64_t at, std::uint64_t size) const {
    return {reinterpret_cast<const char*>(bytes_.data()) + at, static_cast<std::size_t>(size)};
  }

  /// A field of the end record, and the same of the zip64 one.
  std::uint64_t wide(std::uint64_t narrow, std::uint64_t elsewhere, std::uint64_t value) const {
    if (narrow != elsewhere && narrow != value) corrupt("the two end records contradict each other");
    return value;
  }

  void read_zip64(Entry& entry, std::uint64_t at, std::uint64_t length) const {
    std::vector<std::uint64_t*> wanted;
    for (auto* field : {&entry.size, &entry.packed, &entry.header}) {
      if (*field == in_zip64) wanted.push_back(field);
    }
    for (const auto end = at + length; !wanted.empty() && end - at >= 4;) {
      const auto id = load<std::uint16_t>(at);
      const std::uint64_t size = load<std::uint16_t>(at + 2);
      at += 4;
      if (size > end - at) break;
      if (id == zip64_extra && size >= 8 * wanted.size()) {
        for (auto* field : wanted) {
          *field = load<std::uint64_t>(at);
          at += 8;
        }
        return;
      }
      at += size;
    }
    if (!wanted.empty()) corrupt("the entry " + excerpt(entry.name) + " lacks its zip64 sizes");
  }

  std::span<std::byte> bytes_;
  const std::string& file_;
};

}  // namespace

ZipArchive::ZipArchive(std::span<std::byte> bytes, const std::string& file) {
  const Reader reader(bytes, file);
  const auto directory = reader.directory();
  std::vector<std::pair<std::uint64_t, std::uint64_t>> places;
  auto at = directory.begin;
  for (std::uint64_t i = 0; i < directory.count; ++i) {
    const auto entry = reader.entry(at, directory);
    ZipRecord record;
    places.push_back(reader.place(entry, directory, record));
    if (!records_.emplace(entry.name, record).second)
      reader.corrupt("the record " + excerpt(entry.name) + " occurs twice");
  }
  if (at != directory.end) reader.corrupt("the zip directory is longer than its entries");
  std::ranges::sort(places);
  for (std::size_t i = 1; i < places.size(); ++i) {
    if (places[i].first < places[i - 1].second)
      reader.corrupt("two records share bytes at " + std::to_string(places[i].first));
  }
}

}  // namespace beeld
