#include "multimodal/training/chart.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <numeric>

#include "multimodal/page/gallery_text.h"

namespace beeld {

namespace {

constexpr std::string_view style = R"(
.chart { font: 12px system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; font-variant-numeric: tabular-nums; }
.chart text { fill: #77716a; }
.chart .title { font-size: 15px; font-weight: 600; letter-spacing: -.01em; }
.chart .title, .chart .value { fill: #23211e; }
.chart .value { font-weight: 600; }
.chart .end { text-anchor: end; }
.chart .middle, .chart .below { text-anchor: middle; }
.grid { stroke: #e4e0da; stroke-width: 1; }
.axis { stroke: #a8a199; stroke-width: 1; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
.dashed { stroke-dasharray: 5 4; stroke-linecap: butt; }
.c0 { stroke: #23211e; } .c1 { stroke: #2868b0; } .c2 { stroke: #c65a11; } .c3 { stroke: #23875a; } .c4 { stroke: #8a4fa8; } .c5 { stroke: #bb3a60; }
.dot { stroke-width: 5; stroke-linecap: round; }
@media (prefers-color-scheme: dark) {
.chart text { fill: #979087; }
.chart .title, .chart .value { fill: #ece8e1; }
.grid { stroke: #2e2b28; }
.axis { stroke: #5d5750; }
.c0 { stroke: #ece8e1; } .c1 { stroke: #6aaaf0; } .c2 { stroke: #f2995a; } .c3 { stroke: #5fc492; } .c4 { stroke: #c493de; } .c5 { stroke: #f07f9e; }
}
)";

// The plot's place in the chart; names and last values stand to the right of it.
constexpr double left = 52;
constexpr double right = 416;
constexpr double top = 44;
constexpr double bottom = 264;
constexpr double names_left = right + 40;
constexpr double values_right = chart_width - 4;
constexpr double label_height = 17;

constexpr std::size_t most_points = 400;  ///< a line is drawn with
constexpr std::size_t most_dots = 64;     ///< of measurements in percent; longer lines have none
constexpr double smallest_range = 1e-12;  ///< of an axis
constexpr std::size_t longest_text = 80;  ///< bytes

std::string print(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string place(double coordinate) { return print("%.1f", coordinate); }

/// An axis with ticks at multiples of 1, 2 or 5 times a power of ten.
struct Axis {
  double low = 0, high = 1;
  double tick = 1;
  double begin = 0, end = 1;  ///< where low and high are drawn

  double at(double value) const { return begin + (value - low) / (high - low) * (end - begin); }

  std::vector<double> ticks() const {
    std::vector<double> values;
    const double first = std::ceil(low / tick - 1e-9), last = std::floor(high / tick + 1e-9);
    for (int i = 0; first + i <= last; ++i) values.push_back((first + i) * tick + 0.0);  // never -0
    return values;
  }
};

double round_step(double range, double parts) {
  const double rough = range / parts, power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (rough <= factor * power * (1 + 1e-9)) return factor * power;
  }
  return 10 * power;
}

Axis step_axis(double last_step) {
  Axis axis{.low = 0, .high = std::max(last_step, 1.0), .begin = left, .end = right};
  axis.tick = std::max(round_step(axis.high, 5), 1.0);
  return axis;
}

/// Zero is always on it, and it ends at ticks.
Axis value_axis(const Chart& chart) {
  Axis axis{.low = 0, .high = 0, .begin = bottom, .end = top};
  for (const auto& series : chart.series) {
    for (const auto& point : series.points) {
      axis.low = std::min(axis.low, point.value);
      axis.high = std::max(axis.high, point.value);
    }
  }
  if (axis.high - axis.low < smallest_range) axis.high = axis.low + 1;
  axis.tick = round_step(axis.high - axis.low, 4);
  axis.low = std::floor(axis.low / axis.tick + 1e-9) * axis.tick;
  axis.high = std::ceil(axis.high / axis.tick - 1e-9) * axis.tick;
  return axis;
}

std::string tick_number(double value, const Axis& axis, ChartUnit unit) {
  const auto digits = static_cast<int>(std::max(0.0, std::ceil(-std::log10(axis.tick) - 1e-9)));
  const std::string sign = unit == ChartUnit::percent ? " %" : "";
  if (value == 0) return "0" + sign;
  if (digits == 0) return chart_number(value) + sign;
  return print(digits > 4 ? "%.3g" : ("%." + std::to_string(digits) + "f").c_str(), value) + sign;
}

std::string last_number(const ChartSeries& series, ChartUnit unit) {
  const double value = series.points.back().value;
  return unit == ChartUnit::percent ? print("%.1f %%", value) : chart_number(value);
}

struct Point {
  double x, y;
};

std::string line(const std::string& classes, Point from, Point to) {
  return "<line class=\"" + classes + "\" x1=\"" + place(from.x) + "\" y1=\"" + place(from.y) + "\" x2=\"" +
         place(to.x) + "\" y2=\"" + place(to.y) + "\"/>\n";
}

std::string text(const std::string& classes, double x, double y, const std::string& escaped) {
  return "<text class=\"" + classes + "\" x=\"" + place(x) + "\" y=\"" + place(y) + "\">" + escaped +
         "</text>\n";
}

std::string axes_svg(const Axis& steps, const Axis& values, const Chart& chart) {
  std::string svg;
  for (const double value : values.ticks()) {
    svg += line("grid", {left, values.at(value)}, {right, values.at(value)});
    svg += text("end", left - 8, values.at(value) + 4, tick_number(value, values, chart.unit));
  }
  svg += line("axis", {left, bottom}, {right, bottom});
  for (const double step : steps.ticks()) {
    svg += line("axis", {steps.at(step), bottom}, {steps.at(step), bottom + 4});
    svg += text("middle", steps.at(step), bottom + 19, chart_number(step));
  }
  return svg + text("below", (left + right) / 2, bottom + 34, chart_text(chart.step));
}

/// Means of neighbours, so that a long line keeps its course; the last point stays as it is.
std::vector<ChartPoint> thinned(const std::vector<ChartPoint>& points) {
  if (points.size() <= most_points) return points;
  std::vector<ChartPoint> means;
  for (std::size_t i = 0; i + 1 < most_points; ++i) {
    const std::size_t begin = i * points.size() / (most_points - 1);
    const std::size_t end = (i + 1) * points.size() / (most_points - 1);
    ChartPoint mean;
    for (std::size_t k = begin; k < end; ++k) {
      mean.step += points[k].step / static_cast<double>(end - begin);
      mean.value += points[k].value / static_cast<double>(end - begin);
    }
    means.push_back(mean);
  }
  means.push_back(points.back());
  return means;
}

std::string color_of(const ChartSeries& series) {
  return "c" + std::to_string(std::clamp(series.color, 0, chart_colors - 1));
}

std::string classes_of(const ChartSeries& series) {
  return color_of(series) + (series.stroke == ChartStroke::dashed ? " dashed" : "");
}

std::string curve_svg(const ChartSeries& series, const Axis& steps, const Axis& values) {
  std::string path;
  for (const auto& point : thinned(series.points))
    path += (path.empty() ? "M" : "L") + place(steps.at(point.step)) + " " + place(values.at(point.value));
  return "<path class=\"line " + classes_of(series) + "\" d=\"" + path + "\"/>\n";
}

/// Single measurements, each with its numbers for a pointer that rests on it.
std::string dots_svg(const ChartSeries& series, const Axis& steps, const Axis& values, const Chart& chart) {
  std::string svg;
  for (const auto& point : series.points) {
    const auto x = place(steps.at(point.step)), y = place(values.at(point.value));
    svg += "<path class=\"dot " + color_of(series) + "\" d=\"M" + x + " " + y + "h0\"><title>" +
           chart_text(series.name) + ": " + chart_number(point.value) + " at " + chart_text(chart.step) +
           " " + chart_number(point.step) + "</title></path>\n";
  }
  return svg;
}

/// Heights for labels that want to stand at `wanted`: in the same order, apart, and beside the plot.
std::vector<double> spread(const std::vector<double>& wanted) {
  std::vector<std::size_t> order(wanted.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return wanted[a] < wanted[b]; });
  std::vector<double> heights(wanted.size());
  double free = top;
  for (const auto i : order) {
    heights[i] = std::max(wanted[i], free);
    free = heights[i] + label_height;
  }
  double limit = bottom;
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    heights[*it] = std::min(heights[*it], limit);
    limit = heights[*it] - label_height;
  }
  return heights;
}

/// Each line's name and last value, near its end.
std::string legend_svg(const Chart& chart, const Axis& values) {
  std::vector<double> wanted;
  for (const auto& series : chart.series) wanted.push_back(values.at(series.points.back().value));
  const auto heights = spread(wanted);
  std::string svg;
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    const auto& series = chart.series[i];
    svg += line("line " + classes_of(series), {right + 16, heights[i]}, {names_left - 8, heights[i]});
    svg += text("name", names_left, heights[i] + 4, chart_text(series.name));
    svg += text("value end", values_right, heights[i] + 4, last_number(series, chart.unit));
  }
  return svg;
}

}  // namespace

std::string_view chart_style() { return style; }

std::string chart_number(double value) {
  if (std::abs(value) < 999.95) return print("%.4g", value);
  if (std::abs(value) >= 1e12) return print("%.3e", value);
  auto digits = std::to_string(static_cast<std::int64_t>(std::llround(std::abs(value))));
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return (value < 0 ? "-" : "") + digits;
}

std::string chart_text(std::string_view bytes) {
  const bool cut = bytes.size() > longest_text;
  auto text = html_text(bytes.substr(0, longest_text));
  // These two are text to HTML and not to XML.
  for (const std::string_view no_character : {"\xEF\xBF\xBE", "\xEF\xBF\xBF"}) {
    for (auto at = text.find(no_character); at != std::string::npos; at = text.find(no_character, at))
      text.replace(at, no_character.size(), "\xEF\xBF\xBD");
  }
  return cut ? text + "..." : text;
}

std::string chart_svg(const Chart& chart, double last_step) {
  Chart drawn{.title = chart.title, .unit = chart.unit};
  for (const auto& series : chart.series) {
    if (!series.points.empty()) drawn.series.push_back(series);
  }
  const auto steps = step_axis(last_step), values = value_axis(drawn);
  std::string svg = "<g class=\"chart\">\n" + text("title", 0, 18, chart_text(chart.title));
  svg += axes_svg(steps, values, chart);
  // The first line is drawn last, on top of the others.
  for (auto it = drawn.series.rbegin(); it != drawn.series.rend(); ++it) {
    svg += curve_svg(*it, steps, values);
    const auto count = it->points.size();
    if (count == 1 || (drawn.unit == ChartUnit::percent && count <= most_dots))
      svg += dots_svg(*it, steps, values, chart);
  }
  return svg + legend_svg(drawn, values) + "</g>\n";
}

}  // namespace beeld
