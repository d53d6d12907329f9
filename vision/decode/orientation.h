#pragma once

#include <beeld/image.h>

namespace beeld {

/// Turns a picture upright by its EXIF orientation tag (1 to 8; any other value leaves it as it is).
Image turn_upright(Image image, int orientation);

}  // namespace beeld
