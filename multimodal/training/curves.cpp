#include "multimodal/training/curves.h"

#include <utility>

#include "multimodal/page/html_page.h"
#include "multimodal/training/curve_log.h"

namespace beeld {

namespace {

constexpr std::string_view page_style = R"(header { margin-bottom: 1.6rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 2.2rem 3rem; }
.charts div { overflow-x: auto; }
.charts svg { display: block; width: 100%; min-width: 24rem; height: auto; }
p { color: var(--quiet); font-size: .85rem; }
@media print { .charts div { break-inside: avoid; } }
)";

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
  std::string body =
      "<header><h1><bdi>" + name + "</bdi></h1><span>" + progress_of(curves) + "</span></header>\n";
  body += "<div class=\"charts\">\n";
  for (const auto& chart : curves.charts) {
    body += "<div><svg role=\"img\" aria-label=\"" + chart_text(chart.title) + "\" " +
            view_box(chart_width, chart_height) + ">\n" + chart_svg(chart, curves.last_step) +
            "</svg></div>\n";
  }
  body += "</div>\n";
  if (curves.left_out > 0) {
    body += "<p>" + chart_number(static_cast<double>(curves.left_out)) +
            (curves.left_out == 1 ? " line of the log is" : " lines of the log are") +
            " not of a run and left out.</p>\n";
  }
  return html_page({name, std::string(page_style) + std::string(chart_style()), std::move(body)});
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
  write_page(file, file.extension() == ".svg" ? curves_picture(title, log) : curves_page(title, log));
}

}  // namespace beeld
