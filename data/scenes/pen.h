#pragma once

#include <opencv2/core.hpp>
#include <span>

#include "data/scenes/palette.h"
#include "data/scenes/paths.h"

namespace beeld::scenes {

/// Where a thing stands on the canvas, in pixels of the canvas.
struct Stance {
  cv::Point2d center;
  double radius;    ///< Of the thing's unit square: half its width.
  double turn = 0;  ///< Degrees, clockwise.
  enum class Facing { right, left } facing = Facing::right;
  double line = 0.07;  ///< Width of outlines in units of the thing.
};

/// Draws one thing: takes paths in its units, and knows where it stands and how it is coloured.
class Pen {
 public:
  Pen(cv::Mat& canvas, const Stance& stance, const Palette& palette);

  /// Fills a shape and draws its outline.
  void shape(const Path& path, Tone tone) { shapes({&path, 1}, tone); }
  /// Fills the union of shapes, with one outline around it.
  void shapes(std::span<const Path> paths, Tone tone);
  /// Fills a shape without outline: what lies inside another.
  void patch(const Path& path, Tone tone);
  /// A line with round ends.
  void line(const Path& path, double width, Tone tone);
  /// A line that has an outline: a tube.
  void tube(const Path& path, double width, Tone tone);

 private:
  std::vector<cv::Point> placed(const Path& path) const;
  int pixels(double width) const;

  cv::Mat& canvas_;
  Stance stance_;
  Palette palette_;
};

}  // namespace beeld::scenes
