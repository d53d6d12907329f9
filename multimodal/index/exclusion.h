#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace beeld {

/// The files and folders below some folders that patterns leave out, as UpdateOptions::exclude describes
/// them.
class Exclusion {
 public:
  Exclusion() = default;

  /// Without folders paths are those of the whole file system. Throws Error(invalid_argument) for an empty
  /// pattern.
  Exclusion(std::vector<std::string> patterns, const std::vector<std::filesystem::path>& folders);

  /// Whether a file or folder is left out, by itself or with a folder that it lies in. `path` as
  /// known_path() gives it.
  bool covers(const std::string& path) const;

 private:
  std::vector<std::string> patterns_;
  std::vector<std::string> roots_;  // with a slash at the end
};

}  // namespace beeld
