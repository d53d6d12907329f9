#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace beeld {

/// A value at a step of a run.
struct ChartPoint {
  double step = 0;
  double value = 0;
};

enum class ChartStroke { solid, dashed };

/// One line of a chart. Its last value stands beside its name.
struct ChartSeries {
  std::string name;  ///< any bytes
  int color = 0;     ///< 0 is the text's own, then 1 to chart_colors - 1
  ChartStroke stroke = ChartStroke::solid;
  std::vector<ChartPoint> points{};  ///< finite; steps from 0 on, ascending
};

inline constexpr int chart_colors = 6;

enum class ChartUnit { none, percent };

/// Lines over the steps of a run, or over another count, from zero (or the lowest value, if that is negative)
/// to the highest value.
struct Chart {
  std::string title;  ///< any bytes
  ChartUnit unit = ChartUnit::none;
  std::vector<ChartSeries> series{};
  std::string step = "step";  ///< what a step is: the name of its axis
};

// Of a chart, in the units of the SVG element around it.
inline constexpr int chart_width = 640;
inline constexpr int chart_height = 300;

/// A chart as content for an SVG element of chart_width x chart_height, with its axes, ticks and legend;
/// steps go from 0 to `last_step`. Long lines are thinned by averaging neighbours.
std::string chart_svg(const Chart& chart, double last_step);

/// The style sheet for chart_svg: light, or dark where the reader prefers it.
std::string_view chart_style();

/// A number for people: four significant digits, thousands separated.
std::string chart_number(double value);

/// Any bytes as text in HTML and SVG; what is very long is cut.
std::string chart_text(std::string_view bytes);

}  // namespace beeld
