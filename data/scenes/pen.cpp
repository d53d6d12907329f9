#include "data/scenes/pen.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace beeld::scenes {

namespace {

// Points carry this many bits behind the binary point.
constexpr int fraction_bits = 4;

enum class Ends { apart, joined };

struct Stroke {
  int width;
  const cv::Scalar& color;
};

void polyline(cv::Mat& canvas, const std::vector<cv::Point>& points, Ends ends, Stroke stroke) {
  cv::polylines(canvas, points, ends == Ends::joined, stroke.color, stroke.width, cv::LINE_8, fraction_bits);
}

}  // namespace

Pen::Pen(cv::Mat& canvas, const Stance& stance, const Palette& palette)
    : canvas_(canvas), stance_(stance), palette_(palette) {}

std::vector<cv::Point> Pen::placed(const Path& path) const {
  std::vector<cv::Point> points;
  for (const auto& point :
       turned(stance_.facing == Stance::Facing::left ? mirrored(path) : path, stance_.turn)) {
    const cv::Point2d at = (stance_.center + stance_.radius * point) * (1 << fraction_bits);
    points.emplace_back(static_cast<int>(std::lround(at.x)), static_cast<int>(std::lround(at.y)));
  }
  return points;
}

int Pen::pixels(double width) const {
  return std::max(1, static_cast<int>(std::lround(width * stance_.radius)));
}

void Pen::shapes(std::span<const Path> paths, Tone tone) {
  for (const auto& path : paths)
    polyline(canvas_, placed(path), Ends::joined, {pixels(2 * stance_.line), palette_[Tone::line]});
  for (const auto& path : paths) patch(path, tone);
}

void Pen::patch(const Path& path, Tone tone) {
  const std::vector<std::vector<cv::Point>> polygons{placed(path)};
  cv::fillPoly(canvas_, polygons, palette_[tone], cv::LINE_8, fraction_bits);
}

void Pen::line(const Path& path, double width, Tone tone) {
  polyline(canvas_, placed(path), Ends::apart, {pixels(width), palette_[tone]});
}

void Pen::tube(const Path& path, double width, Tone tone) {
  line(path, width + 2 * stance_.line, Tone::line);
  line(path, width, tone);
}

}  // namespace beeld::scenes
