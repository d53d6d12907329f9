#pragma once

#include <beeld/image.h>

#include "core/base/random.h"

namespace beeld {

/// What may be done to a picture before it is learned from. The default does nothing at random.
struct Augmentation {
  double min_area = 1;  ///< Random resized crop (Szegedy et al. 2015): area in [min_area, 1] of the picture,
  double max_aspect = 1;  ///< width / height in [1 / max_aspect, max_aspect], log-uniform.
  double flip = 0;        ///< Probability of a left-right mirror.
  double brightness = 0;  ///< Each of the three: a factor in [max(0, 1 - x), 1 + x],
  double contrast = 0;    ///< applied in random order (torchvision's ColorJitter).
  double saturation = 0;
};

/// Throws Error(invalid_argument), naming the value, unless min_area is in (0, 1], max_aspect at least 1,
/// flip in [0, 1], and the factors' ranges finite and not negative.
void check_augmentation(const Augmentation& augmentation);

/// A random view of an RGB picture, `edge` x `edge`: cropped, resized (bicubic, with antialiasing), mirrored
/// and jittered. It follows from the picture, the settings and the generator's state alone.
///
/// Where ten tries give no crop that fits, and always by default, the crop is the largest in the centre with
/// an allowed aspect, as in torchvision's RandomResizedCrop. Throws Error(invalid_argument) for another
/// format than RGB, an empty picture, or an edge below 1.
Image random_view(const Image& rgb, const Augmentation& augmentation, int edge, Random& random);

/// Pillow's ImageEnhance on an RGB picture, bit for bit: a blend with black, with the picture's mean grey,
/// or with its own grey; factor 1 keeps the picture.
void adjust_brightness(Image& rgb, float factor);
void adjust_contrast(Image& rgb, float factor);
void adjust_saturation(Image& rgb, float factor);

}  // namespace beeld
