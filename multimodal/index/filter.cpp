#include "multimodal/index/filter.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <numbers>

namespace beeld {

namespace {

constexpr double earth_radius = 6371.0088;  // km

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool contains(const std::string& path, const std::string& part) {
  return std::search(path.begin(), path.end(), part.begin(), part.end(),
                     [](char a, char b) { return lower(a) == lower(b); }) != path.end();
}

bool asks_for_facts(const PictureFilter& filter) {
  return filter.since || filter.until || filter.near || !filter.path_contains.empty() || filter.only_damaged;
}

bool passes(const PictureRecord& picture, const PictureFilter& filter) {
  if (filter.since && !(picture.taken && *picture.taken >= *filter.since)) return false;
  if (filter.until && !(picture.taken && *picture.taken < *filter.until)) return false;
  if (filter.only_damaged && picture.damage.empty()) return false;
  if (filter.near &&
      !(picture.place && kilometres_between(*picture.place, filter.near->place) <= filter.near->kilometres))
    return false;
  return contains(picture.path, filter.path_contains);
}

}  // namespace

bool lets_all_pass(const PictureFilter& filter) { return filter.folders.empty() && !asks_for_facts(filter); }

std::vector<bool> allowed_rows(const Vectors& vectors, PictureTable& table, const PictureFilter& filter) {
  std::vector<bool> allowed(vectors.size());
  const auto ids = vectors.ids();
  const auto allow = [&](std::int64_t id) {
    const auto found = std::lower_bound(ids.begin(), ids.end(), id);
    if (found != ids.end() && *found == id) allowed[static_cast<std::size_t>(found - ids.begin())] = true;
  };
  for (const auto& range : ranges_below(filter.folders)) {
    if (!asks_for_facts(filter)) {
      table.for_each_id(range, allow);
      continue;
    }
    table.for_each_present(range, [&](const PictureRecord& picture) {
      if (passes(picture, filter)) allow(picture.id);
    });
  }
  return allowed;
}

double kilometres_between(const Place& a, const Place& b) {
  constexpr double radians = std::numbers::pi / 180;
  const double rise = std::sin((b.latitude - a.latitude) * radians / 2);
  const double turn = std::sin((b.longitude - a.longitude) * radians / 2);
  const double half_chord =
      rise * rise + std::cos(a.latitude * radians) * std::cos(b.latitude * radians) * turn * turn;
  return 2 * earth_radius * std::asin(std::min(1.0, std::sqrt(half_chord)));
}

bool file_is_gone(const std::filesystem::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) != 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP);
}

}  // namespace beeld
