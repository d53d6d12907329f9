#include "tests/fuzz/decoder_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return beeld::fuzz::decode(beeld::decode_webp, data, size);
}
