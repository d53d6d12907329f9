#include "multimodal/update/plan.h"

#include <algorithm>

namespace beeld {

namespace {

std::vector<PathRange> unknown_ranges(const PictureFiles& found) {
  std::vector<std::filesystem::path> paths;
  for (const auto& unreadable : found.unreadable) paths.push_back(unreadable.path);
  return paths.empty() ? std::vector<PathRange>() : ranges_below(paths);
}

bool contains(const std::vector<PathRange>& ranges, const std::string& path) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const PathRange& range) { return path >= range.first && path < range.end; });
}

}  // namespace

UpdatePlan plan_update(PictureTable& table, const PictureFiles& found, const std::vector<PathRange>& ranges,
                       const Exclusion& exclusion) {
  UpdatePlan plan;
  const auto unknown = unknown_ranges(found);
  auto file = found.files.begin();
  const auto compare = [&](const PictureRecord& known) {
    for (; file != found.files.end() && file->path < known.path; ++file) plan.work.push_back(*file);
    if (file == found.files.end() || file->path != known.path) {
      if (contains(unknown, known.path) || exclusion.covers(known.path)) return;
      plan.missing.push_back(known.id);
      if (!known.gone) plan.vanished.push_back(known.id);
      return;
    }
    if (known.gone) plan.returned.push_back(known.id);
    if (file->stamp != known.stamp || (!known.embedded && known.error.empty())) {
      plan.work.push_back(*file);
    } else if (!known.error.empty()) {
      plan.unreadable.push_back({known.path, known.error, true});
    } else {
      ++plan.unchanged;
      if (!known.damage.empty()) plan.damaged.push_back({known.path, known.damage, true});
    }
    ++file;
  };
  for (const auto& range : ranges) table.for_each(range, compare);
  plan.work.insert(plan.work.end(), file, found.files.end());
  std::sort(plan.missing.begin(), plan.missing.end());
  return plan;
}

}  // namespace beeld
