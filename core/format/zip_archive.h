#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace beeld {

/// Where a record of a zip archive lies.
struct ZipRecord {
  std::span<std::byte> bytes;  ///< As they lie in the archive.
  bool stored = false;         ///< Neither compressed nor encrypted: `bytes` are the content.
};

/// The records of a zip archive that is in memory, zip64 included. Nothing is unpacked.
///
/// The archive is hostile input, and readers that differ must not see different content: it has one disk and
/// no comment, its directory ends where the end record begins, names are unique and the same in the directory
/// and at the record, and no two records share bytes. Checksums are not compared: torch may write none.
class ZipArchive {
 public:
  /// Views into `bytes`, which outlive this. Throws Error(corrupt), naming `file`.
  ZipArchive(std::span<std::byte> bytes, const std::string& file);

  const std::map<std::string_view, ZipRecord>& records() const { return records_; }

 private:
  std::map<std::string_view, ZipRecord> records_;
};

}  // namespace beeld
