#pragma once

#include <string>
#include <string_view>

#include "vision/decode/decode.h"

namespace beeld {

using Decoder = Image (*)(const Source&);

/// What decodes a file, by its content; nullptr for what is not a picture.
Decoder decoder_for(std::span<const std::uint8_t> bytes);

/// What a file is that no decoder reads, for the message.
std::string describe(std::span<const std::uint8_t> bytes);

/// Whether a file whose name ends so, in lower case and without a dot, is taken for a picture where folders
/// are searched for them: JPEG, PNG, WebP, GIF, TIFF, BMP and PNM always, others where this build reads them.
bool is_picture_extension(std::string_view extension);

}  // namespace beeld
