#include "multimodal/index/checked_pages.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <span>
#include <vector>

#include "core/base/checksum.h"

namespace beeld {

namespace {

constexpr const char* layer_name = "beeld-checked-pages";
constexpr int sum_bytes = 8;
constexpr int header_bytes = 100;
constexpr char header_magic[16] = "SQLite format 3";

/// What SQLite sees as the file; that of the layer below lies behind it in the same allocation.
struct CheckedFile {
  sqlite3_file base;
  bool verified = true;
  int page_bytes = 0;           // 0 while the file has no checksums
  std::vector<std::byte> page;  // of page_bytes, for one call at a time
};

sqlite3_vfs* below = nullptr;

std::size_t below_offset() {
  constexpr std::size_t align = alignof(std::max_align_t);
  return (sizeof(CheckedFile) + align - 1) / align * align;
}

CheckedFile& own(sqlite3_file* file) { return *reinterpret_cast<CheckedFile*>(file); }

sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<std::byte*>(file) + below_offset());
}

/// Learns from a database's header, wherever it passes, whether pages have checksums.
void look_at_header(CheckedFile& file, const std::byte* bytes) {
  if (std::memcmp(bytes, header_magic, sizeof(header_magic)) != 0) return;
  const auto at = [&](int i) { return std::to_integer<int>(bytes[i]); };
  const int size = at(16) << 8 | at(17);
  const int page = size == 1 ? 65536 : size;
  const bool plausible = page >= 512 && (page & (page - 1)) == 0;
  file.page_bytes = plausible && at(20) == sum_bytes ? page : 0;
}

// The number of the page counts too, so that a page in another's place is found.
std::uint64_t sum_of(std::span<const std::byte> page, sqlite3_int64 offset) {
  return checksum(page.first(page.size() - sum_bytes), static_cast<std::uint64_t>(offset));
}

// A page of zeros was never written: SQLite leaves out what it has freed. It holds nothing that could be
// wrong.
bool is_right(std::span<const std::byte> page, sqlite3_int64 offset) {
  std::uint64_t stored = 0;
  std::memcpy(&stored, page.data() + page.size() - sum_bytes, sum_bytes);
  return stored == sum_of(page, offset) ||
         std::all_of(page.begin(), page.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

int read_below(sqlite3_file* file, void* buffer, int amount, sqlite3_int64 offset) {
  return real(file)->pMethods->xRead(real(file), buffer, amount, offset);
}

/// A part of a page: the whole of it is read, so that it can be verified.
int read_part(sqlite3_file* file, void* buffer, int amount, sqlite3_int64 offset) {
  auto& checked = own(file);
  const auto within = offset % checked.page_bytes;
  if (within + amount > checked.page_bytes) return read_below(file, buffer, amount, offset);
  checked.page.resize(static_cast<std::size_t>(checked.page_bytes));
  const int result = read_below(file, checked.page.data(), checked.page_bytes, offset - within);
  if (result != SQLITE_OK) return result;
  if (!is_right(checked.page, offset - within)) return SQLITE_IOERR_DATA;
  std::memcpy(buffer, checked.page.data() + within, static_cast<std::size_t>(amount));
  return SQLITE_OK;
}

int read(sqlite3_file* file, void* buffer, int amount, sqlite3_int64 offset) {
  auto& checked = own(file);
  const bool verifies = checked.verified && checked.page_bytes > 0;
  // The header is looked at before any page: whoever does so goes on to read the whole first page.
  if (verifies && amount < checked.page_bytes && offset >= header_bytes)
    return read_part(file, buffer, amount, offset);
  const int result = read_below(file, buffer, amount, offset);
  // Behind the end of the file all is zeros, in the middle of a page something is missing.
  if (result == SQLITE_IOERR_SHORT_READ && verifies && amount == checked.page_bytes && offset > 0)
    return is_right({static_cast<const std::byte*>(buffer), static_cast<std::size_t>(amount)}, offset)
               ? result
               : SQLITE_IOERR_DATA;
  if (result != SQLITE_OK) return result;
  const auto* bytes = static_cast<const std::byte*>(buffer);
  if (offset == 0 && amount >= header_bytes) look_at_header(checked, bytes);
  if (!checked.verified || checked.page_bytes == 0 || amount != checked.page_bytes) return SQLITE_OK;
  return is_right({bytes, static_cast<std::size_t>(amount)}, offset) ? SQLITE_OK : SQLITE_IOERR_DATA;
}

int write(sqlite3_file* file, const void* buffer, int amount, sqlite3_int64 offset) {
  auto& checked = own(file);
  const auto* bytes = static_cast<const std::byte*>(buffer);
  if (offset == 0 && amount >= header_bytes) look_at_header(checked, bytes);
  const auto write_below = real(file)->pMethods->xWrite;
  if (checked.page_bytes == 0 || amount != checked.page_bytes)
    return write_below(real(file), buffer, amount, offset);
  checked.page.assign(bytes, bytes + amount);
  const auto sum = sum_of(checked.page, offset);
  std::memcpy(checked.page.data() + checked.page.size() - sum_bytes, &sum, sum_bytes);
  return write_below(real(file), checked.page.data(), amount, offset);
}

int close(sqlite3_file* file) {
  const int result = real(file)->pMethods->xClose(real(file));
  own(file).~CheckedFile();
  return result;
}

/// Passes a call on to the layer below.
template <auto Method, class... Arguments>
int pass(sqlite3_file* file, Arguments... arguments) {
  return (real(file)->pMethods->*Method)(real(file), arguments...);
}

void barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }

using Methods = sqlite3_io_methods;

// Version 2: version 3 has xFetch, by which pages would be read past all this.
constexpr Methods methods = {2,
                             close,
                             read,
                             write,
                             pass<&Methods::xTruncate>,
                             pass<&Methods::xSync>,
                             pass<&Methods::xFileSize>,
                             pass<&Methods::xLock>,
                             pass<&Methods::xUnlock>,
                             pass<&Methods::xCheckReservedLock>,
                             pass<&Methods::xFileControl>,
                             pass<&Methods::xSectorSize>,
                             pass<&Methods::xDeviceCharacteristics>,
                             pass<&Methods::xShmMap>,
                             pass<&Methods::xShmLock>,
                             barrier,
                             pass<&Methods::xShmUnmap>,
                             nullptr,
                             nullptr};

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* opened) {
  if ((flags & SQLITE_OPEN_MAIN_DB) == 0) return below->xOpen(below, name, file, flags, opened);
  auto* checked = new (file) CheckedFile{};
  checked->verified = sqlite3_uri_boolean(name, "unverified", 0) == 0;
  const int result = below->xOpen(below, name, real(file), flags, opened);
  if (!real(file)->pMethods) {
    checked->~CheckedFile();
    file->pMethods = nullptr;
    return result;
  }
  file->pMethods = &methods;  // from now on SQLite calls xClose, whatever the result
  std::byte header[header_bytes];
  if (result == SQLITE_OK && read_below(file, header, header_bytes, 0) == SQLITE_OK)
    look_at_header(*checked, header);
  return result;
}

int register_layer() {
  below = sqlite3_vfs_find(nullptr);
  if (!below) return SQLITE_ERROR;
  // Everything but opening is what it is below, which never looks at whose functions it is called by.
  static sqlite3_vfs layer = *below;
  layer.zName = layer_name;
  layer.pNext = nullptr;
  layer.szOsFile = static_cast<int>(below_offset()) + below->szOsFile;
  layer.xOpen = open;
  return sqlite3_vfs_register(&layer, 0);
}

}  // namespace

const char* checked_pages() {
  static const int registered = register_layer();
  return registered == SQLITE_OK ? layer_name : nullptr;
}

void reserve_checksums(sqlite3* database) {
  int bytes = sum_bytes;
  sqlite3_file_control(database, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes);
}

bool has_checksums(sqlite3* database) {
  int bytes = -1;
  return sqlite3_file_control(database, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes) == SQLITE_OK &&
         bytes == sum_bytes;
}

}  // namespace beeld
