#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace beeld::testing {

enum class EntryKind { file, folder, link };

struct ShardEntry {
  std::string name;
  std::string content;
  EntryKind kind = EntryKind::file;
};

enum class Compression { none, gzip };

/// Writes a tar file with these entries, in order. Throws std::runtime_error.
void write_shard(const std::filesystem::path& path, const std::vector<ShardEntry>& entries,
                 Compression compression = Compression::none);

}  // namespace beeld::testing
