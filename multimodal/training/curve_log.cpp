#include "multimodal/training/curve_log.h"

#include <beeld/error.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/base/files.h"

namespace beeld {

namespace {

using nlohmann::json;

constexpr std::size_t most_evaluations = 32;
constexpr double largest_step = 1e12;
constexpr double largest_value = 1e15;

/// A figure of the log's lines about steps.
struct StepFigure {
  const char* key;
  const char* chart;
  const char* name;
  int color;
};

constexpr const char* loss_chart = "Loss";

// In the order in which they are shown.
constexpr StepFigure step_figures[] = {
    {"loss", loss_chart, "sum", 0},
    {"contrastive", loss_chart, "contrastive", 1},
    {"sigmoid", loss_chart, "sigmoid", 5},
    {"image_distillation", loss_chart, "image distillation", 2},
    {"text_distillation", loss_chart, "text distillation", 3},
    {"affinity", loss_chart, "affinity", 4},
    {"learning_rate", "Learning rate", "rate", 1},
    {"gradient_norm", "Gradient norm", "norm", 1},
    {"logit_scale", "Logit scale", "scale", 1},
    {"samples_per_second", "Samples per second", "samples", 1},
};

/// A figure of an evaluation: a member, or a member of a member.
struct EvaluationFigure {
  const char* outer;  ///< or nullptr
  const char* key;
  const char* name;
  int color;
  ChartStroke stroke;
};

constexpr EvaluationFigure evaluation_figures[] = {
    {nullptr, "top1", "top-1", 1, ChartStroke::solid},
    {nullptr, "top5", "top-5", 2, ChartStroke::solid},
    {"t2i", "r@1", "text \xE2\x86\x92 image R@1", 1, ChartStroke::solid},
    {"t2i", "r@5", "text \xE2\x86\x92 image R@5", 2, ChartStroke::solid},
    {"t2i", "r@10", "text \xE2\x86\x92 image R@10", 3, ChartStroke::solid},
    {"i2t", "r@1", "image \xE2\x86\x92 text R@1", 1, ChartStroke::dashed},
    {"i2t", "r@5", "image \xE2\x86\x92 text R@5", 2, ChartStroke::dashed},
    {"i2t", "r@10", "image \xE2\x86\x92 text R@10", 3, ChartStroke::dashed},
};

std::optional<double> number(const json& object, const char* key, double largest) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_number()) return {};
  const auto value = it->get<double>();
  if (!std::isfinite(value) || std::abs(value) > largest) return {};
  return value;
}

/// The element with a name, added where there is none.
template <class T>
T& named(std::vector<T>& all, std::string T::*name, const T& like) {
  const auto it = std::find_if(all.begin(), all.end(), [&](const T& x) { return x.*name == like.*name; });
  return it != all.end() ? *it : all.emplace_back(like);
}

ChartSeries& series_in(Chart& chart, const ChartSeries& like) {
  return named(chart.series, &ChartSeries::name, like);
}

void add(ChartSeries& series, ChartPoint point) {
  auto& points = series.points;
  while (!points.empty() && points.back().step >= point.step) points.pop_back();
  points.push_back(point);
}

/// Whether the line held a figure of a step.
bool add_step(const json& line, double step, std::vector<Chart>& charts) {
  bool found = false;
  for (const auto& figure : step_figures) {
    const auto value = number(line, figure.key, largest_value);
    if (!value) continue;
    auto& chart = named(charts, &Chart::title, {.title = figure.chart});
    add(series_in(chart, {.name = figure.name, .color = figure.color}), {step, *value});
    found = true;
  }
  return found;
}

/// Whether the line held a figure of an evaluation.
bool add_evaluation(const json& line, double step, std::vector<Chart>& charts) {
  const auto& name = line["evaluation"];
  if (!name.is_string()) return false;
  bool found = false;
  for (const auto& figure : evaluation_figures) {
    if (figure.outer && !line.contains(figure.outer)) continue;
    const auto& object = figure.outer ? line[figure.outer] : line;
    const auto value = object.is_object() ? number(object, figure.key, largest_value) : std::nullopt;
    if (!value) continue;
    const auto* kind = figure.outer ? ", retrieval" : ", zero-shot";
    auto& chart =
        named(charts, &Chart::title, {.title = name.get<std::string>() + kind, .unit = ChartUnit::percent});
    if (charts.size() > most_evaluations) return charts.pop_back(), false;
    add(series_in(chart, {.name = figure.name, .color = figure.color, .stroke = figure.stroke}),
        {step, *value});
    found = true;
  }
  return found;
}

/// A single part of the loss is the loss.
void drop_only_part(std::vector<Chart>& charts) {
  for (auto& chart : charts) {
    if (chart.title == loss_chart && chart.series.size() == 2) chart.series.pop_back();
  }
}

std::optional<json> parsed(std::string_view line) {
  try {
    return parse_json(line, "log");
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

RunCurves read_curves(std::string_view log) {
  RunCurves curves;
  std::vector<Chart> evaluations;
  while (!log.empty()) {
    const auto text = log.substr(0, log.find('\n'));
    log.remove_prefix(std::min(text.size() + 1, log.size()));
    if (text.empty()) continue;
    const auto line = parsed(text);
    const auto step = line && line->is_object() ? number(*line, "step", largest_step) : std::nullopt;
    const bool used = step && *step >= 0 &&
                      (line->contains("evaluation") ? add_evaluation(*line, *step, evaluations)
                                                    : add_step(*line, *step, curves.charts));
    if (!used) ++curves.left_out;
  }
  drop_only_part(curves.charts);
  curves.charts.insert(curves.charts.end(), evaluations.begin(), evaluations.end());
  for (const auto& chart : curves.charts) {
    for (const auto& series : chart.series)
      curves.last_step = std::max(curves.last_step, series.points.back().step);
  }
  return curves;
}

}  // namespace beeld
