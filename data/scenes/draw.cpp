#include "data/scenes/draw.h"

#include <opencv2/imgproc.hpp>

#include "data/scenes/backgrounds.h"
#include "data/scenes/layout.h"
#include "data/scenes/things.h"

namespace beeld::scenes {

namespace {

// Averaging 4 x 4 pixels is the antialiasing.
constexpr int oversampling = 4;

Stance stance(const Spot& spot, int width, Dice& dice) {
  return {.center = spot.center * width,
          .radius = spot.radius * width,
          .turn = dice.uniform(-9, 9),
          .facing = dice.chance(0.5) ? Stance::Facing::left : Stance::Facing::right,
          .line = dice.uniform(0.05, 0.09)};
}

/// As a camera's: each pixel and channel up to `amount` brighter or darker.
void add_noise(cv::Mat& picture, unsigned amount, Dice& dice) {
  for (int y = 0; y < picture.rows; ++y)
    for (int x = 0; x < picture.cols * 3; ++x) {
      auto& value = picture.ptr<std::uint8_t>(y)[x];
      const int change = static_cast<int>(dice.below(2 * amount + 1)) - static_cast<int>(amount);
      value = cv::saturate_cast<std::uint8_t>(value + change);
    }
}

}  // namespace

cv::Mat draw(const Scene& scene, std::uint64_t seed, int side) {
  Dice dice(seed);
  cv::Mat canvas(side * oversampling, side * oversampling, CV_8UC3);
  draw_background(scene.background, canvas, dice);
  for (const auto& spot : lay_out(scene, dice)) {
    const Palette palette(spot.group.color, scene.background, dice);
    Pen pen(canvas, stance(spot, canvas.cols, dice), palette);
    draw_thing(spot.group.thing, pen);
  }
  cv::Mat picture;
  cv::resize(canvas, picture, {side, side}, 0, 0, cv::INTER_AREA);
  add_noise(picture, 3, dice);
  return picture;
}

}  // namespace beeld::scenes
