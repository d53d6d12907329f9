#pragma once

#include <opencv2/core.hpp>

#include "data/scenes/dice.h"
#include "data/scenes/vocabulary.h"

namespace beeld::scenes {

/// Covers the whole canvas.
void draw_background(Background background, cv::Mat& canvas, Dice& dice);

}  // namespace beeld::scenes
