#pragma once

#include <opencv2/core.hpp>
#include <vector>

namespace beeld::scenes {

/// A line through points; x to the right, y down. A thing is drawn within [-1, 1] x [-1, 1].
using Path = std::vector<cv::Point2d>;

/// Angles in degrees: 0 points right, 90 down.
struct Arc {
  double from = 0, to = 360;
};

/// An ellipse, or an arc of one.
Path ellipse(cv::Point2d center, double x_radius, double y_radius, Arc arc = {});

/// Turned around the origin by degrees, clockwise as seen.
Path turned(Path path, double degrees);

Path moved(Path path, cv::Point2d by);

/// Mirrored left and right.
Path mirrored(Path path);

/// A closed Catmull-Rom curve through the points.
Path smooth(const Path& points);

/// A star with `tips`; every second corner lies at `inner` of the radius.
Path star(int tips, double radius, double inner);

Path heart(double radius);

/// The sickle between a circle and a smaller one that hides a part of it, open to the right.
Path crescent(double radius);

}  // namespace beeld::scenes
