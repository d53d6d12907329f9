#include "data/scenes/backgrounds.h"

#include <opencv2/imgproc.hpp>

#include "data/scenes/palette.h"

namespace beeld::scenes {

namespace {

/// Paints in units of the canvas's width, with slightly different shades each time.
class Brush {
 public:
  Brush(cv::Mat& canvas, Dice& dice) : canvas_(canvas), dice_(dice) {}

  Dice& dice() { return dice_; }
  cv::Scalar shade(const cv::Scalar& color) { return jittered(color, 8, dice_); }

  /// Begins at a whole pixel as gradients end at one: nothing between them is left unpainted.
  void rectangle(cv::Rect2d box, const cv::Scalar& color) {
    const cv::Point2d corner = box.tl() * canvas_.cols, opposite = box.br() * canvas_.cols;
    cv::rectangle(canvas_, {cvFloor(corner.x), cvFloor(corner.y)}, {cvCeil(opposite.x), cvCeil(opposite.y)},
                  color, cv::FILLED);
  }
  void line(cv::Point2d from, cv::Point2d to, double width, const cv::Scalar& color) {
    const double n = canvas_.cols;
    cv::line(canvas_, from * n, to * n, color, std::max(1, static_cast<int>(width * n)));
  }
  void dot(cv::Point2d center, double radius, const cv::Scalar& color) {
    const double n = canvas_.cols;
    cv::circle(canvas_, center * n, std::max(1, static_cast<int>(radius * n)), color, cv::FILLED);
  }
  /// From a shade of `upper` at the top of the rows to one of `lower`.
  void gradient(double top, double bottom, const cv::Scalar& upper, const cv::Scalar& lower) {
    const cv::Scalar begin = shade(upper), end = shade(lower);
    const int first = static_cast<int>(top * canvas_.rows), last = static_cast<int>(bottom * canvas_.rows);
    for (int y = first; y < last; ++y)
      canvas_.row(y).setTo(blend(begin, end, static_cast<double>(y - first) / (last - first)));
  }
  /// Wavy from left to right.
  void wave(double y, double width, const cv::Scalar& color) {
    const double phase = dice_.uniform(0, 1);
    for (int i = -1; i < 8; ++i) {
      const double x = (i + phase) / 7;
      line({x, y}, {x + 0.07, y - 0.018}, width, color);
      line({x + 0.07, y - 0.018}, {x + 1.0 / 7, y}, width, color);
    }
  }
  double horizon(double around) { return around + dice_.uniform(-0.04, 0.04); }

 private:
  cv::Mat& canvas_;
  Dice& dice_;
};

void plain(Brush& brush, const cv::Scalar& color) { brush.rectangle({0, 0, 1, 1}, brush.shade(color)); }

void day_sky(Brush& brush, double horizon) {
  brush.gradient(0, horizon, rgb(164, 210, 244), rgb(214, 236, 250));
}

void night(Brush& brush) {
  brush.gradient(0, 1, rgb(12, 16, 50), rgb(34, 40, 88));
  for (int i = 0; i < 26; ++i)
    brush.dot({brush.dice().uniform(0, 1), brush.dice().uniform(0, 1)}, 0.006, rgb(220, 220, 240));
}

void grass(Brush& brush) {
  const double horizon = brush.horizon(0.3);
  day_sky(brush, horizon);
  brush.gradient(horizon, 1, rgb(138, 200, 96), rgb(104, 176, 70));
  for (int i = 0; i < 40; ++i) {
    const cv::Point2d root{brush.dice().uniform(0, 1), brush.dice().uniform(horizon + 0.05, 1)};
    brush.line(root, root + cv::Point2d(brush.dice().uniform(-0.02, 0.02), -0.045), 0.01, rgb(76, 148, 52));
  }
}

void sea(Brush& brush) {
  const double horizon = brush.horizon(0.3);
  day_sky(brush, horizon);
  brush.gradient(horizon, 1, rgb(70, 160, 206), rgb(30, 112, 170));
  for (int crest = 1; crest < 7; ++crest)
    brush.wave(horizon + 0.13 * crest - 0.03, 0.012, rgb(176, 222, 240));
}

void beach(Brush& brush) {
  const double horizon = brush.horizon(0.22);
  day_sky(brush, horizon);
  brush.rectangle({0, horizon, 1, 0.16}, brush.shade(rgb(70, 160, 206)));
  brush.rectangle({0, horizon + 0.15, 1, 1 - horizon - 0.15}, brush.shade(rgb(236, 208, 150)));
  brush.wave(horizon + 0.16, 0.03, rgb(250, 250, 250));
  for (int i = 0; i < 30; ++i)
    brush.dot({brush.dice().uniform(0, 1), brush.dice().uniform(horizon + 0.22, 1)}, 0.006,
              rgb(204, 172, 112));
}

void snow(Brush& brush) {
  const double horizon = brush.horizon(0.4);
  brush.gradient(0, horizon, rgb(150, 168, 192), rgb(190, 204, 222));
  brush.gradient(horizon, 1, rgb(236, 241, 248), rgb(248, 250, 253));
  for (int i = 0; i < 40; ++i)
    brush.dot({brush.dice().uniform(0, 1), brush.dice().uniform(0, horizon + 0.1)}, 0.011,
              rgb(255, 255, 255));
}

void facade(Brush& brush, const cv::Rect2d& box) {
  const double tone = brush.dice().uniform(150, 196);
  brush.rectangle(box, rgb(tone, tone - 8, tone - 18));
  const int columns = static_cast<int>((box.width - 0.03) / 0.09),
            rows = static_cast<int>((box.height - 0.02) / 0.11);
  for (int column = 0; column < columns; ++column)
    for (int row = 0; row < rows; ++row)
      brush.rectangle({box.x + 0.04 + 0.09 * column, box.y + 0.05 + 0.11 * row, 0.04, 0.05},
                      rgb(226, 232, 236));
}

void street(Brush& brush) {
  const double curb = brush.horizon(0.46);
  day_sky(brush, curb);
  double x = brush.dice().uniform(-0.15, 0);
  while (x < 1) {
    const double width = brush.dice().uniform(0.2, 0.34), top = brush.dice().uniform(0.04, 0.2);
    facade(brush, {x, top, width - 0.015, curb - top});
    x += width;
  }
  brush.rectangle({0, curb, 1, 0.07}, brush.shade(rgb(198, 196, 190)));
  brush.rectangle({0, curb + 0.07, 1, 1 - curb - 0.07}, brush.shade(rgb(104, 106, 112)));
  const double phase = brush.dice().uniform(-0.2, 0);
  for (int dash = 0; dash < 5; ++dash)
    brush.rectangle({phase + 0.25 * dash, curb + 0.3, 0.13, 0.025}, rgb(240, 240, 236));
}

void room(Brush& brush) {
  const double floor = brush.horizon(0.66);
  brush.rectangle({0, 0, 1, floor}, brush.shade(rgb(240, 224, 198)));
  const double phase = brush.dice().uniform(-0.12, 0);
  for (int stripe = 0; stripe < 10; ++stripe)
    brush.rectangle({phase + 0.12 * stripe, 0, 0.03, floor}, rgb(230, 206, 174));
  brush.rectangle({0, floor, 1, 1 - floor}, brush.shade(rgb(168, 116, 70)));
  for (int board = 1; board < 5; ++board)
    brush.line({0, floor + 0.1 * board}, {1, floor + 0.1 * board}, 0.008, rgb(134, 88, 50));
  brush.rectangle({0, floor - 0.03, 1, 0.03}, rgb(250, 246, 238));
}

void sunset(Brush& brush) {
  const double horizon = brush.horizon(0.74);
  brush.gradient(0, horizon * 0.55, rgb(122, 70, 140), rgb(232, 108, 110));
  brush.gradient(horizon * 0.55, horizon + 0.01, rgb(236, 112, 108), rgb(254, 190, 96));
  brush.rectangle({0, horizon, 1, 1 - horizon}, brush.shade(rgb(72, 44, 70)));
}

}  // namespace

void draw_background(Background background, cv::Mat& canvas, Dice& dice) {
  Brush brush(canvas, dice);
  switch (background) {
    case Background::plain_white:
      return plain(brush, rgb(247, 247, 247));
    case Background::plain_gray:
      return plain(brush, rgb(150, 152, 156));
    case Background::plain_blue:
      return plain(brush, rgb(96, 164, 236));
    case Background::plain_yellow:
      return plain(brush, rgb(250, 232, 120));
    case Background::plain_green:
      return plain(brush, rgb(124, 210, 124));
    case Background::plain_pink:
      return plain(brush, rgb(252, 188, 214));
    case Background::night:
      return night(brush);
    case Background::grass:
      return grass(brush);
    case Background::sea:
      return sea(brush);
    case Background::beach:
      return beach(brush);
    case Background::snow:
      return snow(brush);
    case Background::street:
      return street(brush);
    case Background::room:
      return room(brush);
    case Background::sunset:
      return sunset(brush);
  }
}

}  // namespace beeld::scenes
