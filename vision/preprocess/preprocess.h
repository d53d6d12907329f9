#pragma once

#include <beeld/image.h>

#include <array>
#include <optional>

#include "vision/preprocess/resample.h"

namespace beeld {

/// When a picture becomes RGB. It matters for palettes (resized by the nearest pixel) and for alpha.
enum class ColourOrder {
  convert_first,  ///< transformers and timm
  resize_first,   ///< torchvision pipelines: OpenAI CLIP and OpenCLIP
};

/// The size a picture is resized to; h and w are those of `Preprocess::resize`.
enum class ResizeRule {
  none,          ///< as it is
  exact,         ///< h x w, whatever the proportions ("squash")
  shortest,      ///< the shorter edge to h, the longer to int(h * long / short)
  cover,         ///< proportional, the smallest that covers h x w; edges rounded half to even
  contain,       ///< proportional, the largest inside h x w ("longest"); edges rounded half to even
  patch_budget,  ///< multiples of the patch size, at most `max_patches` patches (SigLIP 2 NaFlex)
};

/// How the centre is cut out. A picture that is smaller gets a border.
enum class CropRule {
  none,
  floor,      ///< transformers: offset floor(d / 2); a border's odd pixel goes to the top and left
  half_even,  ///< torchvision: offset d / 2 rounded half to even; the odd pixel goes to the bottom and right
};

/// How 8-bit samples become fractions. The two differ in the last bit.
enum class Rescaling {
  none,
  multiply,  ///< by `rescale_factor` in double precision, as numpy does
  divide,    ///< by 255 in single precision, as torchvision does
};

/// Mean and standard deviation of the three channels.
struct Normalization {
  std::array<float, 3> mean{};
  std::array<float, 3> deviation{1, 1, 1};
};

/// All steps from a picture to a model's pixels. The default does nothing but convert to RGB.
struct Preprocess {
  ColourOrder order = ColourOrder::convert_first;
  ResizeRule resize_rule = ResizeRule::none;
  Size resize;
  Filter filter = Filter::bicubic;
  CropRule crop_rule = CropRule::none;
  Size crop;
  std::array<std::uint8_t, 3>
      border{};  ///< Colour, or in a picture that is not RGB yet: value of each sample.
  Rescaling rescaling = Rescaling::multiply;
  double rescale_factor = 1.0 / 255;
  std::optional<Normalization> normalization;
  int patch_size = 16;    ///< for ResizeRule::patch_budget
  int max_patches = 256;  ///< for ResizeRule::patch_budget
};

/// The size to which `settings` resize a picture of `size`, before the crop.
Size resized_size(const Preprocess& settings, const Size& size);

/// The picture resized and cropped, as 8-bit RGB `[H,W,3]`. Throws Error(limit) where an uncropped result
/// would be absurdly large (over 64 million pixels).
Image resize_and_crop(const Image& image, const Preprocess& settings);

/// All steps, `[3,H,W]`.
Pixels preprocess(const Image& image, const Preprocess& settings);

}  // namespace beeld
