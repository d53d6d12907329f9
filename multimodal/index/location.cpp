#include <beeld/error.h>
#include <beeld/index.h>
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

}  // namespace

std::filesystem::path Index::default_file(const std::filesystem::path& folder) {
  const std::filesystem::path full = stored_path(folder);
  std::error_code error;
  const auto place = std::filesystem::is_directory(full, error) ? full : full.parent_path();
  if (::access(place.c_str(), W_OK) == 0) return place / ".beeld.db";

  const auto cache = cache_folder();
  std::filesystem::create_directories(cache, error);
  if (error) throw Error(ErrorCode::io, "[index] " + cache.string() + ": cannot be made: " + error.message());
  Digest digest;
  digest.add(place.native());
  return cache / (digest.hex().substr(0, 32) + ".db");
}

}  // namespace beeld
