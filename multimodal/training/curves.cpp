#include "multimodal/training/curves.h"

#include <beeld/error.h>

#include "core/base/files.h"
#include "multimodal/training/curve_log.h"

namespace beeld {

namespace {

constexpr std::string_view head = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>)";

constexpr std::string_view page_style = R"(</title>
<style>
:root { color-scheme: light dark; --page: #fbfaf8; --ink: #23211e; --quiet: #77716a; --rule: #e4e0da; }
@media (prefers-color-scheme: dark) { :root { --page: #161513; --ink: #ece8e1; --quiet: #979087; --rule: #2e2b28; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem clamp(1rem, 4vw, 3.5rem) 4rem; max-width: 1680px; background: var(--page); color: var(--ink); font: 15px/1.45 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; }
header { display: flex; align-items: baseline; gap: 1rem; border-bottom: 1px solid var(--rule); padding-bottom: .7rem; margin-bottom: 1.6rem; }
h1 { margin: 0; font-size: 1.35rem; font-weight: 600; letter-spacing: -.01em; overflow-wrap: anywhere; }
header span { margin-left: auto; color: var(--quiet); font-size: .85rem; white-space: nowrap; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 2.2rem 3rem; }
.charts div { overflow-x: auto; }
.charts svg { display: block; width: 100%; min-width: 24rem; height: auto; }
p { color: var(--quiet); font-size: .85rem; }
@media print { .charts div { break-inside: avoid; } })";

constexpr std::string_view picture_style = R"(
.page { fill: #fbfaf8; }
.chart .heading { font-size: 20px; font-weight: 600; letter-spacing: -.01em; fill: #23211e; }
@media (prefers-color-scheme: dark) {
.page { fill: #161513; }
.chart .heading { fill: #ece8e1; }
}
)";

// Of the picture.
constexpr int columns = 2;
constexpr int margin = 32;
constexpr int gap = 48;
constexpr int heading_height = 56;

std::string progress_of(const RunCurves& curves) {
  return curves.charts.empty() ? "nothing logged yet" : "step " + chart_number(curves.last_step);
}

std::string view_box(int width, int height) {
  return "viewBox=\"0 0 " + std::to_string(width) + " " + std::to_string(height) + "\"";
}

std::string place(const char* name, int value) {
  return std::string(" ") + name + "=\"" + std::to_string(value) + "\"";
}

}  // namespace

std::string curves_page(std::string_view title, std::string_view log) {
  const auto curves = read_curves(log);
  const auto name = chart_text(title);
  std::string page(head);
  page += name + std::string(page_style) + std::string(chart_style()) + "</style>\n</head>\n<body>\n";
  page += "<header><h1><bdi>" + name + "</bdi></h1><span>" + progress_of(curves) + "</span></header>\n";
  page += "<div class=\"charts\">\n";
  for (const auto& chart : curves.charts) {
    page += "<div><svg role=\"img\" aria-label=\"" + chart_text(chart.title) + "\" " +
            view_box(chart_width, chart_height) + ">\n" + chart_svg(chart, curves.last_step) +
            "</svg></div>\n";
  }
  page += "</div>\n";
  if (curves.left_out > 0) {
    page += "<p>" + chart_number(static_cast<double>(curves.left_out)) +
            (curves.left_out == 1 ? " line of the log is" : " lines of the log are") +
            " not of a run and left out.</p>\n";
  }
  return page + "</body>\n</html>\n";
}

std::string curves_picture(std::string_view title, std::string_view log) {
  const auto curves = read_curves(log);
  const int rows = (static_cast<int>(curves.charts.size()) + columns - 1) / columns;
  const int width = 2 * margin + columns * chart_width + (columns - 1) * gap;
  const int height = heading_height + margin + rows * (chart_height + gap);
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" " + view_box(width, height) +
                    place("width", width) + place("height", height) + ">\n<title>" + chart_text(title) +
                    "</title>\n<style>" + std::string(chart_style()) + std::string(picture_style) +
                    "</style>\n<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n" +
                    "<g class=\"chart\"><text class=\"heading\"" + place("x", margin) +
                    place("y", heading_height - 8) + ">" + chart_text(title) + "</text><text class=\"end\"" +
                    place("x", width - margin) + place("y", heading_height - 8) + ">" + progress_of(curves) +
                    "</text></g>\n";
  for (int i = 0; i < static_cast<int>(curves.charts.size()); ++i) {
    svg += "<svg" + place("x", margin + i % columns * (chart_width + gap)) +
           place("y", heading_height + margin + i / columns * (chart_height + gap)) +
           place("width", chart_width) + place("height", chart_height) + ">\n" +
           chart_svg(curves.charts[static_cast<std::size_t>(i)], curves.last_step) + "</svg>\n";
  }
  return svg + "</svg>\n";
}

void write_curves(const std::filesystem::path& file, std::string_view title, std::string_view log) {
  try {
    write_file_atomically(file,
                          file.extension() == ".svg" ? curves_picture(title, log) : curves_page(title, log));
  } catch (const Error& error) {
    throw Error(ErrorCode::io, error.what());
  }
}

}  // namespace beeld
