#include "multimodal/index/paths.h"

#include <beeld/error.h>

#include <algorithm>

namespace beeld {

std::string stored_path(const std::filesystem::path& path) {
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
  constexpr auto after_slash = static_cast<char>('/' + 1);
  if (folders.empty()) return {{"/", std::string(1, after_slash)}};

  std::vector<PathRange> ranges;
  for (const auto& folder : folders) {
    auto path = stored_path(folder);
    if (path == "/") return ranges_below({});
    ranges.push_back({path, path + '\0'});
    ranges.push_back({path + '/', path + after_slash});
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const PathRange& a, const PathRange& b) { return a.first < b.first; });

  // Such ranges either nest or do not meet, and an outer one sorts before those inside it.
  std::vector<PathRange> disjoint;
  for (auto& range : ranges)
    if (disjoint.empty() || range.first >= disjoint.back().end) disjoint.push_back(std::move(range));
  return disjoint;
}

}  // namespace beeld
