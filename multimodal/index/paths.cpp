#include "multimodal/index/paths.h"

#include <beeld/error.h>

#include <algorithm>

namespace beeld {

namespace {

constexpr std::string_view beside = "./";  // sorts before "/", with which all other paths begin

/// The least string above all that begin with `prefix`, whose last byte is a slash.
std::string after(std::string prefix) {
  prefix.back() = static_cast<char>('/' + 1);
  return prefix;
}

}  // namespace

std::string known_path(const std::filesystem::path& path) {
  std::error_code error;
  const auto full = std::filesystem::absolute(path, error);
  if (error) {
    throw Error(
        ErrorCode::invalid_argument,
        "[index] \"" + path.string() + "\": not a path that can be made absolute: " + error.message());
  }
  auto normal = full.lexically_normal().string();
  while (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  return normal;
}

std::vector<PathRange> ranges_below(const std::vector<std::filesystem::path>& folders) {
  if (folders.empty()) return {{"/", after("/")}};

  std::vector<PathRange> ranges;
  for (const auto& folder : folders) {
    auto path = known_path(folder);
    if (path == "/") return ranges_below({});
    ranges.push_back({path, path + '\0'});
    ranges.push_back({path + '/', after(path + '/')});
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const PathRange& a, const PathRange& b) { return a.first < b.first; });

  // Such ranges either nest or do not meet, and an outer one sorts before those inside it.
  std::vector<PathRange> disjoint;
  for (auto& range : ranges)
    if (disjoint.empty() || range.first >= disjoint.back().end) disjoint.push_back(std::move(range));
  return disjoint;
}

StoredPaths::StoredPaths(const std::filesystem::path& index)
    : folder_(std::filesystem::path(known_path(index)).parent_path().string()) {
  if (folder_.back() != '/') folder_ += '/';
}

std::string StoredPaths::stored(const std::string& known) const {
  return known.starts_with(folder_) ? std::string(beside) + known.substr(folder_.size()) : known;
}

std::string StoredPaths::known(std::string_view stored) const {
  return stored.starts_with(beside) ? folder_ + std::string(stored.substr(beside.size()))
                                    : std::string(stored);
}

std::vector<PathRange> StoredPaths::stored(const PathRange& known) const {
  const auto end = after(folder_);
  if (known.end <= folder_ || known.first >= end) return {known};
  std::vector<PathRange> ranges;
  if (known.first < folder_) ranges.push_back({known.first, folder_});
  ranges.push_back({known.first <= folder_ ? std::string(beside) : stored(known.first),
                    known.end >= end ? after(std::string(beside)) : stored(known.end)});
  if (known.end > end) ranges.push_back({end, known.end});
  return ranges;
}

}  // namespace beeld
