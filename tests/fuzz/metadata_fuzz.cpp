#include "vision/metadata/metadata.h"

#include "tests/fuzz/input.h"
#include "vision/decode/photo_facts.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  beeld::orientation_of(beeld::read_metadata({data, size}));
  beeld::read_photo_facts({data, size});
  return 0;
}
