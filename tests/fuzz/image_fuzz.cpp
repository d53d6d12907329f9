#include <beeld/image.h>

#include "tests/fuzz/input.h"

using namespace beeld;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Few pixels keep one input fast; what a larger picture may cost is the caller's to say.
  for (const auto decoding : {Decoding::exact, Decoding::fast}) {
    const DecodeOptions options{.decoding = decoding, .target_edge = 8, .max_pixels = 1 << 20};
    fuzz::allow_errors([&] { to_rgb(decode_image({data, size}, options)); });
  }
  return 0;
}
