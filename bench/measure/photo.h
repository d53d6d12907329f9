#pragma once

#include <cstdint>
#include <vector>

namespace beeld::bench {

/// A JPEG file in memory, quality 90 with halved colour as cameras write it: waves under the grain of a
/// sensor.
std::vector<std::uint8_t> jpeg_photo(int width, int height);

}  // namespace beeld::bench
