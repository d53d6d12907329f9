#include "data/scenes/palette.h"

#include <algorithm>

namespace beeld::scenes {

namespace {

cv::Scalar plain(Color color) {
  switch (color) {
    case Color::red:
      return rgb(218, 32, 38);
    case Color::orange:
      return rgb(250, 132, 14);
    case Color::yellow:
      return rgb(252, 220, 30);
    case Color::green:
      return rgb(40, 160, 58);
    case Color::blue:
      return rgb(34, 84, 216);
    case Color::purple:
      return rgb(124, 44, 168);
    case Color::pink:
      return rgb(255, 138, 190);
    case Color::brown:
      return rgb(122, 72, 30);
    case Color::black:
      return rgb(34, 34, 38);
    case Color::white:
      break;
  }
  return rgb(248, 248, 246);
}

}  // namespace

cv::Scalar rgb(double red, double green, double blue) { return {blue, green, red}; }

cv::Scalar blend(const cv::Scalar& a, const cv::Scalar& b, double share) {
  return a * (1 - share) + b * share;
}

cv::Scalar jittered(const cv::Scalar& color, double amount, Dice& dice) {
  const double brightness = dice.uniform(-amount, amount);
  cv::Scalar result;
  for (int channel = 0; channel < 3; ++channel) {
    const double own = dice.uniform(-amount, amount) / 2;
    result[channel] = std::clamp(color[channel] + brightness + own, 0.0, 255.0);
  }
  return result;
}

Palette::Palette(Color color, Background background, Dice& dice) {
  const cv::Scalar dark = rgb(28, 24, 30), pale = rgb(226, 226, 216), white = rgb(255, 255, 255);
  const cv::Scalar body = jittered(plain(color), 12, dice);
  const bool black = color == Color::black;
  const auto set = [this](Tone tone, const cv::Scalar& value) { tones_[index_of(tone)] = value; };
  set(Tone::body, body);
  set(Tone::shade, black ? blend(body, white, 0.14) : blend(body, dark, 0.24));
  set(Tone::light, black ? blend(body, white, 0.26) : blend(body, white, 0.38));
  set(Tone::line, background == Background::night ? pale : dark);
  set(Tone::detail, black ? pale : dark);
  set(Tone::paper, color == Color::white ? rgb(176, 196, 214) : rgb(244, 244, 236));
  set(Tone::wood, rgb(112, 74, 40));
  set(Tone::leaf, rgb(46, 130, 52));
}

}  // namespace beeld::scenes
