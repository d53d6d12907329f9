#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace beeld {

/// A path as the index stores it: absolute, lexically normal, no slash at the end; its bytes unchanged.
std::string stored_path(const std::filesystem::path& path);

/// All stored paths p with first <= p < end, compared bytewise.
struct PathRange {
  std::string first;
  std::string end;
};

/// The stored paths that equal one of `folders` or lie below it, component by component ("/a/bc" is not below
/// "/a/b"); all paths where `folders` is empty. Disjoint and ascending, so that visiting them in turn visits
/// the paths in bytewise order, each once.
std::vector<PathRange> ranges_below(const std::vector<std::filesystem::path>& folders);

}  // namespace beeld
