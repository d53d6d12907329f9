#pragma once

#include <cstdint>
#include <opencv2/core.hpp>

#include "data/scenes/scene.h"

namespace beeld::scenes {

/// The picture of a scene, [side, side] of blue, green and red bytes. The seed decides what the scene leaves
/// open: exact positions, sizes and angles, shades, the width of lines, a little noise.
cv::Mat draw(const Scene& scene, std::uint64_t seed, int side);

}  // namespace beeld::scenes
