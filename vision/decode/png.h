#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "vision/decode/decode.h"

namespace beeld {

/// The chunks of a PNG file that its pixels depend on.
struct Png {
  enum Colour : int { grey = 0, truecolour = 2, indexed = 3, grey_alpha = 4, truecolour_alpha = 6 };

  std::uint32_t width = 0, height = 0;
  int bits = 0;
  int colour = 0;
  std::array<std::uint8_t, 13> header{};
  std::span<const std::uint8_t> palette, transparency;
  std::vector<std::span<const std::uint8_t>> data;  ///< contents of the IDAT chunks
  std::string damage;                               ///< what the walk over the chunks found, or empty
};

/// What the stream of a damaged file still gives, as a whole stream of its own: rows that did not come are
/// zeros. `salvage.rows` becomes the number of those that came; interlaced pictures count by their bytes.
/// Throws Error(corrupt) where an undamaged file's stream is not what its header says.
std::vector<std::uint8_t> salvage_png(const Source& source, const Png& png, Salvage& salvage);

}  // namespace beeld
