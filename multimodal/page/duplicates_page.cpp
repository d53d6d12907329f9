#include "multimodal/page/duplicates_page.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <tuple>

#include "core/base/parallel.h"
#include "multimodal/page/gallery_text.h"
#include "multimodal/page/gallery_thumbnail.h"
#include "multimodal/page/html_page.h"

namespace beeld {

namespace {

constexpr std::string_view style = R"(section + section { margin-top: 2.5rem; }
h2 { font-size: 1.1rem; }
.copies { display: flex; flex-wrap: wrap; gap: 1.1rem; align-items: flex-end; }
figure { margin: 0; max-width: 320px; min-width: 160px; padding: .5rem; border: 2px solid transparent; border-radius: 8px; }
figure.best { border-color: #3a7d44; }
img, .none { display: block; max-width: 100%; height: 240px; object-fit: contain; border-radius: 6px; background: var(--card); }
.none { display: grid; place-items: center; padding: .8rem; color: var(--quiet); font-size: .8rem; text-align: center; overflow-wrap: anywhere; }
a { display: block; color: inherit; text-decoration: none; }
figcaption { padding-top: .4rem; font-size: .8rem; color: var(--quiet); font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
figcaption b { color: var(--ink); font-weight: 600; }
figcaption b, figcaption small { display: block; }
.best em { color: #3a7d44; font-style: normal; font-weight: 600; }
@media print { section { break-inside: avoid; } }
)";

constexpr Box box{480, 240};
constexpr int quality = 82;

struct Copy {
  CopySize size;
  std::string dimensions;  // "4000 x 3000"
  std::string picture;     // as HTML
};

std::string bytes_text(std::int64_t bytes) {
  constexpr const char* units[] = {"bytes", "kB", "MB", "GB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1000 && unit + 1 < std::size(units); ++unit) value /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return text;
}

Copy read_copy(const std::filesystem::path& path) {
  Copy copy;
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (!error) copy.size.bytes = static_cast<std::int64_t>(bytes);
  try {
    // Exact, because a picture decoded at a reduced size does not tell its own.
    const auto fitted = fit_picture(path, box, Decoding::exact);
    copy.size.pixels = std::int64_t{fitted.width} * fitted.height;
    copy.dimensions = std::to_string(fitted.width) + " x " + std::to_string(fitted.height);
    copy.picture = "<img alt=\"" + html_text(path.filename().native()) + "\" src=\"data:image/jpeg;base64," +
                   base64(encode_jpeg(fitted.image, quality)) + "\">";
  } catch (const std::exception& failure) {
    copy.picture = "<div class=\"none\">" + html_text(failure.what()) + "</div>";
  }
  return copy;
}

std::string figure(const std::filesystem::path& path, const Copy& copy, bool best) {
  const auto folder = html_text(shown_folder(path));
  return std::string("<figure") + (best ? " class=\"best\"" : "") + "><a href=\"" + file_address(path) +
         "\">" + copy.picture + "</a><figcaption><b><bdi>" + html_text(path.filename().native()) +
         "</bdi></b>" + (folder.empty() ? "" : "<small><bdi>" + folder + "</bdi></small>") +
         (copy.dimensions.empty() ? "" : copy.dimensions + ", ") + bytes_text(copy.size.bytes) +
         (best ? " <em>best copy</em>" : "") + "</figcaption></figure>\n";
}

std::string section_html(const DuplicateSection& section) {
  const auto& paths = section.paths;
  std::vector<Copy> copies(paths.size());
  parallel_for(static_cast<std::int64_t>(paths.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
      copies[i] = read_copy(paths[i]);
  });
  std::vector<CopySize> sizes;
  for (const auto& copy : copies) sizes.push_back(copy.size);
  const auto best = best_copy(sizes);
  char similarity[32];
  std::snprintf(similarity, sizeof similarity, "%.4f", static_cast<double>(section.similarity));
  std::string html = "<section>\n<header><h2>" + std::to_string(paths.size()) +
                     " copies</h2><span>similarity " + similarity +
                     "</span></header>\n<div class=\"copies\">\n";
  for (std::size_t i = 0; i < paths.size(); ++i) html += figure(paths[i], copies[i], i == best);
  return html + "</div>\n</section>\n";
}

}  // namespace

std::size_t best_copy(const std::vector<CopySize>& copies) {
  const auto worse = [](const CopySize& a, const CopySize& b) {
    return std::tie(a.pixels, a.bytes) < std::tie(b.pixels, b.bytes);
  };
  return static_cast<std::size_t>(std::max_element(copies.begin(), copies.end(), worse) - copies.begin());
}

void write_duplicates(const std::filesystem::path& file, const std::vector<DuplicateSection>& sections) {
  std::string body;
  for (const auto& section : sections) body += section_html(section);
  if (sections.empty()) body = "<p>No near-duplicates.</p>\n";
  write_page(file, html_page({"beeld: near-duplicates", std::string(style), std::move(body)}));
}

}  // namespace beeld
