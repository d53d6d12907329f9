#pragma once

#include <cstdint>
#include <string>

#include "tests/fuzz/input.h"
#include "vision/decode/decode.h"

namespace beeld::fuzz {

/// Feeds one decoder, whatever the input begins with. Few pixels keep one input fast; what a larger picture
/// may cost is the caller's to say.
inline int decode(Image (*decoder)(const Source&), const std::uint8_t* data, std::size_t size) {
  const DecodeOptions options{.max_pixels = 1 << 18, .profile = ColorProfile::apply};
  const std::string name = "input";
  if (size < 16) return 0;  // its caller has seen that much
  allow_errors([&] {
    MemoryLease lease;
    decoder({{data, size}, options, name, lease});
  });
  return 0;
}

}  // namespace beeld::fuzz
