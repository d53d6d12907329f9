#include "data/scenes/paths.h"

#include <cmath>
#include <numbers>

namespace beeld::scenes {

namespace {

constexpr double degree = std::numbers::pi / 180;

}  // namespace

Path ellipse(cv::Point2d center, double x_radius, double y_radius, Arc arc) {
  constexpr int steps = 40;
  Path path;
  for (int step = 0; step <= steps; ++step) {
    const double angle = (arc.from + (arc.to - arc.from) * step / steps) * degree;
    path.push_back(center + cv::Point2d(x_radius * std::cos(angle), y_radius * std::sin(angle)));
  }
  return path;
}

Path turned(Path path, double degrees) {
  const double cosine = std::cos(degrees * degree), sine = std::sin(degrees * degree);
  for (auto& point : path) point = {point.x * cosine - point.y * sine, point.x * sine + point.y * cosine};
  return path;
}

Path moved(Path path, cv::Point2d by) {
  for (auto& point : path) point += by;
  return path;
}

Path mirrored(Path path) {
  for (auto& point : path) point.x = -point.x;
  return path;
}

Path smooth(const Path& points) {
  constexpr int steps = 8;
  const std::size_t n = points.size();
  Path path;
  for (std::size_t i = 0; i < n; ++i) {
    const cv::Point2d a = points[(i + n - 1) % n], b = points[i], c = points[(i + 1) % n],
                      d = points[(i + 2) % n];
    for (int step = 0; step < steps; ++step) {
      const double t = static_cast<double>(step) / steps;
      path.push_back(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * (t * t) +
                            (3 * b - a - 3 * c + d) * (t * t * t)));
    }
  }
  return path;
}

Path star(int tips, double radius, double inner) {
  Path path;
  for (int corner = 0; corner < 2 * tips; ++corner) {
    const double angle = (180.0 * corner / tips - 90) * degree;
    const double r = corner % 2 == 0 ? radius : radius * inner;
    path.emplace_back(r * std::cos(angle), r * std::sin(angle));
  }
  return path;
}

Path heart(double radius) {
  constexpr int steps = 48;
  Path path;
  for (int step = 0; step < steps; ++step) {
    const double t = 360.0 * step / steps * degree;
    const double x = 16 * std::pow(std::sin(t), 3);
    const double y = 13 * std::cos(t) - 5 * std::cos(2 * t) - 2 * std::cos(3 * t) - std::cos(4 * t);
    path.emplace_back(radius * x / 16, -radius * (y + 2.5) / 16);
  }
  return path;
}

Path crescent(double radius) {
  Path path = ellipse({0, 0}, radius, radius, {50, 310});
  const cv::Point2d tip = path.front();
  const double reach = std::hypot(0.38 * radius - tip.x, tip.y);
  const double angle = std::atan2(tip.y, tip.x - 0.38 * radius) / degree;
  const Path bite = ellipse({0.38 * radius, 0}, reach, reach, {360 - angle, angle});
  path.insert(path.end(), bite.begin(), bite.end());
  return path;
}

}  // namespace beeld::scenes
