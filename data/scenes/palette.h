#pragma once

#include <array>
#include <opencv2/core.hpp>

#include "data/scenes/dice.h"
#include "data/scenes/vocabulary.h"

namespace beeld::scenes {

/// The roles of colours within a thing. The first three are its own colour, and most of what is seen.
enum class Tone {
  body,
  shade,
  light,
  line,    ///< Outlines, strings and handles: stands out from the background.
  detail,  ///< Eyes and doors: stands out from the body.
  paper,   ///< Windows, pages, spots: stands out from the body, too.
  wood,
  leaf,
};

inline constexpr std::size_t tone_count = 8;

class Palette {
 public:
  /// A slightly different shade of `color` for every dice.
  Palette(Color color, Background background, Dice& dice);

  const cv::Scalar& operator[](Tone tone) const { return tones_[index_of(tone)]; }

 private:
  std::array<cv::Scalar, tone_count> tones_;
};

/// Blue, green and red from 0 to 255, as OpenCV orders them.
cv::Scalar rgb(double red, double green, double blue);

/// `a` at 0, `b` at 1.
cv::Scalar blend(const cv::Scalar& a, const cv::Scalar& b, double share);

/// Another shade of nearly the same colour.
cv::Scalar jittered(const cv::Scalar& color, double amount, Dice& dice);

}  // namespace beeld::scenes
