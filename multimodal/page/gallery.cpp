#include "multimodal/page/gallery.h"

#include <beeld/error.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string_view>

#include "core/base/files.h"
#include "core/base/parallel.h"
#include "multimodal/page/gallery_text.h"
#include "multimodal/page/gallery_thumbnail.h"

namespace beeld {

namespace {

// A photo grows with its own aspect ratio, so that each line is filled and no photo is cut, except extremely
// wide or tall ones.
constexpr std::string_view head = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>)";

constexpr std::string_view style = R"(</title>
<style>
:root { color-scheme: light dark; --page: #fbfaf8; --ink: #23211e; --quiet: #77716a; --rule: #e4e0da; --card: #efece7; --row: 200px; }
@media (prefers-color-scheme: dark) { :root { --page: #161513; --ink: #ece8e1; --quiet: #979087; --rule: #2e2b28; --card: #24221f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem clamp(1rem, 4vw, 3.5rem) 4rem; max-width: 1680px; background: var(--page); color: var(--ink); font: 15px/1.45 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; }
section + section { margin-top: 3rem; }
header { display: flex; align-items: baseline; gap: 1rem; border-bottom: 1px solid var(--rule); padding-bottom: .7rem; margin-bottom: 1.1rem; }
h2 { margin: 0; font-size: 1.35rem; font-weight: 600; letter-spacing: -.01em; overflow-wrap: anywhere; }
header span { margin-left: auto; color: var(--quiet); font-size: .85rem; white-space: nowrap; }
.photos { display: flex; flex-wrap: wrap; gap: 1.1rem .9rem; }
.photos::after { content: ""; flex: 1000 0 0; }
figure { margin: 0; flex: calc(var(--r) * 10) 1 calc(var(--r) * var(--row)); min-width: 0; max-width: calc(var(--r) * var(--row) * 1.5); }
img, .none { display: block; width: 100%; aspect-ratio: var(--r); border-radius: 6px; background: var(--card); }
img { object-fit: cover; }
.none { display: grid; place-items: center; padding: .8rem; overflow: hidden; color: var(--quiet); font-size: .8rem; text-align: center; overflow-wrap: anywhere; }
figcaption { display: flex; gap: .6rem; padding: .4rem .1rem 0; font-size: .8rem; color: var(--quiet); font-variant-numeric: tabular-nums; }
figcaption b { color: var(--ink); font-weight: 600; }
figcaption bdi { min-width: 0; flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
@media (max-width: 600px) { :root { --row: 130px; } figure { max-width: none; } }
.empty { color: var(--quiet); }
@media print { figure { break-inside: avoid; } }
</style>
</head>
<body>
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
  return "<figure style=\"--r:" + number(ratio, 3) + "\" title=\"" + name + "\">" + picture +
         "<figcaption><span>" + std::to_string(rank) + "</span><bdi>" + name + "</bdi><b>" +
         number(static_cast<double>(match.score), 3) + "</b></figcaption></figure>\n";
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
  std::string page(head);
  page += sections.size() == 1 ? html_text(sections.front().title) : "beeld";
  page += style;
  for (const auto& section : sections) page += section_html(section);
  page += "</body>\n</html>\n";
  try {
    write_file_atomically(file, page);
  } catch (const Error& error) {
    throw Error(ErrorCode::io, error.what());
  }
}

}  // namespace beeld
