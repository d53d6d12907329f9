#include "multimodal/index/exclusion.h"

#include <beeld/error.h>
#include <fnmatch.h>

#include <algorithm>
#include <utility>

#include "multimodal/index/paths.h"

namespace beeld {

namespace {

bool matches(const std::string& pattern, const std::string& text) {
  return ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

}  // namespace

Exclusion::Exclusion(std::vector<std::string> patterns, const std::vector<std::filesystem::path>& folders)
    : patterns_(std::move(patterns)) {
  for (auto& pattern : patterns_) {
    while (pattern.size() > 1 && pattern.ends_with('/')) pattern.pop_back();
    if (pattern.empty() || pattern == "/")
      throw Error(ErrorCode::invalid_argument, "[index] expected a pattern to leave out, got none");
    if (pattern.starts_with("./")) pattern.erase(0, 1);
  }
  if (patterns_.empty()) return;
  if (folders.empty()) roots_.emplace_back("/");
  for (const auto& folder : folders) {
    roots_.push_back(known_path(folder));
    if (!roots_.back().ends_with('/')) roots_.back() += '/';
  }
}

bool Exclusion::covers(const std::string& path) const {
  if (patterns_.empty()) return false;
  return std::any_of(roots_.begin(), roots_.end(), [&](const std::string& root) {
    if (!path.starts_with(root)) return false;
    // Of the path in the folder each part that ends before a slash, and the last name in it.
    for (auto end = path.find('/', root.size());; end = path.find('/', end + 1)) {
      const auto part = path.substr(root.size(), end == std::string::npos ? end : end - root.size());
      const auto name = part.substr(part.rfind('/') + 1);
      for (const auto& pattern : patterns_) {
        const bool by_path = pattern.find('/') != std::string::npos;
        const auto from_root = pattern.starts_with('/') ? pattern.substr(1) : pattern;
        if (matches(from_root, by_path ? part : name)) return true;
      }
      if (end == std::string::npos) return false;
    }
  });
}

}  // namespace beeld
