#include "multimodal/page/gallery.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string_view>
#include <utility>

#include "core/base/parallel.h"
#include "multimodal/page/gallery_text.h"
#include "multimodal/page/gallery_thumbnail.h"
#include "multimodal/page/html_page.h"

namespace beeld {

namespace {

// A photo grows with its own aspect ratio, so that each line is filled and no photo is cut, except extremely
// wide or tall ones.
constexpr std::string_view style = R"(:root { --row: 200px; }
section + section { margin-top: 3rem; }
.photos { display: flex; flex-wrap: wrap; gap: 1.1rem .9rem; }
.photos::after { content: ""; flex: 1000 0 0; }
figure { margin: 0; flex: calc(var(--r) * 10) 1 calc(var(--r) * var(--row)); min-width: 0; max-width: calc(var(--r) * var(--row) * 1.5); }
img, .none { display: block; width: 100%; aspect-ratio: var(--r); border-radius: 6px; background: var(--card); }
img { object-fit: cover; }
.none { display: grid; place-items: center; padding: .8rem; overflow: hidden; color: var(--quiet); font-size: .8rem; text-align: center; overflow-wrap: anywhere; }
figcaption { display: flex; gap: .6rem; padding: .4rem .1rem 0; font-size: .8rem; color: var(--quiet); font-variant-numeric: tabular-nums; }
figcaption b { color: var(--ink); font-weight: 600; }
figcaption small { flex-basis: 100%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
figcaption { flex-wrap: wrap; row-gap: 0; }
figure a { display: block; color: inherit; text-decoration: none; }
figure a:focus-visible, figure a:hover { outline: 2px solid var(--quiet); outline-offset: 2px; border-radius: 6px; }
figcaption bdi { min-width: 0; flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
@media (max-width: 600px) { :root { --row: 130px; } figure { max-width: none; } }
.empty { color: var(--quiet); }
@media print { figure { break-inside: avoid; } }
)";

constexpr double narrowest = 0.5;
constexpr double widest = 2.5;
constexpr double placeholder_ratio = 1.5;

std::string number(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

std::string figure(const Match& match, std::size_t rank) {
  const auto name = html_text(match.path.filename().native());
  double ratio = placeholder_ratio;
  std::string picture;
  try {
    const auto thumbnail = make_thumbnail(match.path);
    ratio = std::clamp(static_cast<double>(thumbnail.width) / thumbnail.height, narrowest, widest);
    picture = "<img alt=\"" + name + "\" src=\"data:image/jpeg;base64," + base64(thumbnail.jpeg) + "\">";
  } catch (const std::exception& error) {
    picture = "<div class=\"none\">" + html_text(error.what()) + "</div>";
  }
  const auto folder = html_text(shown_folder(match.path));
  return "<figure style=\"--r:" + number(ratio, 3) + "\" title=\"" + name + "\"><a href=\"" +
         file_address(match.path) + "\">" + picture + "</a><figcaption><span>" + std::to_string(rank) +
         "</span><bdi>" + name + "</bdi><b>" + number(static_cast<double>(match.score), 3) + "</b>" +
         (folder.empty() ? "" : "<small><bdi>" + folder + "</bdi></small>") + "</figcaption></figure>\n";
}

std::string section_html(const GallerySection& section) {
  const auto& matches = section.matches;
  std::vector<std::string> figures(matches.size());
  parallel_for(static_cast<std::int64_t>(matches.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
      figures[i] = figure(matches[i], i + 1);
  });
  const std::string count = std::to_string(matches.size()) + (matches.size() == 1 ? " picture" : " pictures");
  std::string html = "<section>\n<header><h2><bdi>" + html_text(section.title) + "</bdi></h2><span>" + count +
                     "</span></header>\n<div class=\"photos\">\n";
  for (const auto& text : figures) html += text;
  if (figures.empty()) html += "<p class=\"empty\">No pictures.</p>\n";
  return html + "</div>\n</section>\n";
}

}  // namespace

void write_gallery(const std::filesystem::path& file, const std::vector<GallerySection>& sections) {
  std::string body;
  for (const auto& section : sections) body += section_html(section);
  const auto title = sections.size() == 1 ? html_text(sections.front().title) : "beeld";
  write_page(file, html_page({title, std::string(style), std::move(body)}));
}

}  // namespace beeld
