#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace beeld {

/// A path as an index knows it: absolute, lexically normal, no slash at the end; its bytes unchanged.
std::string known_path(const std::filesystem::path& path);

/// All known paths p with first <= p < end, compared bytewise.
struct PathRange {
  std::string first;
  std::string end;
};

/// The known paths that equal one of `folders` or lie below it, component by component ("/a/bc" is not below
/// "/a/b"); all paths where `folders` is empty. Disjoint and ascending, so that visiting them in turn visits
/// the paths in bytewise order, each once.
std::vector<PathRange> ranges_below(const std::vector<std::filesystem::path>& folders);

/// How paths are written in an index file: those below its own folder as "./...", so that the folder can be
/// moved, all others as they are.
class StoredPaths {
 public:
  explicit StoredPaths(const std::filesystem::path& index);

  std::string stored(const std::string& known) const;
  std::string known(std::string_view stored) const;

  /// The ranges of stored paths that together are `known`, in the order of known paths.
  std::vector<PathRange> stored(const PathRange& known) const;

 private:
  std::string folder_;  // with a slash at the end
};

}  // namespace beeld
