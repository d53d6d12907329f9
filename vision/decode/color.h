#pragma once

#include <beeld/image.h>

#include "vision/decode/decode.h"
#include "vision/metadata/metadata.h"

namespace beeld {

/// Converts a picture's colours to sRGB by the profile that its file holds, perceptually; grey and ink become
/// RGB where the profile is of their kind. A picture without a profile, or with one of another kind or
/// damaged, is left as it is. Throws Error(unsupported) in a build without Little CMS.
Image to_srgb(Image image, const Metadata& metadata, const Source& source);

}  // namespace beeld
