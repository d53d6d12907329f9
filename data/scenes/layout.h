#pragma once

#include <opencv2/core.hpp>
#include <vector>

#include "data/scenes/dice.h"
#include "data/scenes/scene.h"

namespace beeld::scenes {

/// Where one thing goes, in units of the picture's width.
struct Spot {
  Group group;
  cv::Point2d center;
  double radius;
};

/// A spot for every thing of a scene: none overlaps another by more than their corners.
std::vector<Spot> lay_out(const Scene& scene, Dice& dice);

}  // namespace beeld::scenes
