#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace beeld {

/// The whole of a regular file. Throws Error: not_found, io, or limit (more than `max_bytes`).
std::string read_file(const std::filesystem::path& path, std::size_t max_bytes);

/// Parses a JSON file. Throws as read_file, and Error(corrupt) with the position; nesting deeper than 64 is
/// corrupt.
nlohmann::json read_json(const std::filesystem::path& path, std::size_t max_bytes = 64u << 20);

/// Parses JSON text under the same rules; `name` appears in messages.
nlohmann::json parse_json(std::string_view text, const std::string& name);

/// Writes a file so that readers see the old content or the new, never a part; a link's file rather than the
/// link. What is no file, a pipe or a device, is written to as it is. Throws Error(io).
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

/// The same, the content given in parts that follow each other in the file.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::string_view> parts);

/// Removes what write_file_atomically left in a folder where a process was killed in the middle of it.
/// Throws std::filesystem::filesystem_error.
void remove_unfinished_files(const std::filesystem::path& folder);

/// A file in memory, private to this process: changes never reach the disk.
class MappedFile {
 public:
  /// Throws Error: not_found or io.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<std::byte> bytes() const { return {data_, size_}; }

  /// Gives the memory back; pages are read from the file again when they are needed. Changes are lost.
  void forget_pages() const;

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace beeld
