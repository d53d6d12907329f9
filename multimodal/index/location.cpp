#include <beeld/error.h>
#include <beeld/index.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "core/base/digest.h"
#include "multimodal/index/paths.h"

namespace beeld {

namespace {

std::filesystem::path cache_folder() {
  const auto variable = [](const char* name) -> std::filesystem::path {
    const char* value = std::getenv(name);
    return value ? value : "";
  };
  // The XDG specification: a relative path there is to be ignored.
  if (const auto cache = variable("XDG_CACHE_HOME"); cache.is_absolute()) return cache / "beeld";
  if (const auto home = variable("HOME"); home.is_absolute()) return home / ".cache" / "beeld";
  throw Error(ErrorCode::io, "[index] the folder is read-only, and neither XDG_CACHE_HOME nor HOME is set");
}

constexpr const char* index_name = ".beeld.db";

/// Whether there is an index in the folder that can be read.
bool has_index(const std::filesystem::path& folder) {
  const auto file = folder / index_name;
  std::error_code ignored;
  return std::filesystem::is_regular_file(file, ignored) && ::access(file.c_str(), R_OK) == 0;
}

// An index further up is somebody's, and must not be made by anybody: in /tmp everybody may leave one.
bool is_trusted(const std::filesystem::path& index, const std::filesystem::path& folder) {
  struct stat one {
  }, other{};
  if (::stat(index.c_str(), &one) != 0 || ::stat(folder.c_str(), &other) != 0) return false;
  return one.st_uid == ::geteuid() || one.st_uid == other.st_uid;
}

/// Empty where there is none.
std::filesystem::path index_above(const std::filesystem::path& folder) {
  for (auto above = folder; above.has_relative_path();) {
    above = above.parent_path();
    const auto file = above / index_name;
    if (has_index(above) && is_trusted(file, folder)) return file;
  }
  return {};
}

}  // namespace

std::filesystem::path Index::default_file(const std::filesystem::path& folder) {
  const std::filesystem::path full = known_path(folder);
  std::error_code error;
  const auto place = std::filesystem::is_directory(full, error) ? full : full.parent_path();
  if (has_index(place)) return place / index_name;
  if (const auto above = index_above(place); !above.empty()) return above;
  if (::access(place.c_str(), W_OK) == 0) return place / index_name;

  const auto cache = cache_folder();
  std::filesystem::create_directories(cache, error);
  if (error) throw Error(ErrorCode::io, "[index] " + cache.string() + ": cannot be made: " + error.message());
  Digest digest;
  digest.add(place.native());
  return cache / (digest.hex().substr(0, 32) + ".db");
}

}  // namespace beeld
