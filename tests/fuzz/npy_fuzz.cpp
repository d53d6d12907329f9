#include "core/format/npy.h"
#include "tests/fuzz/input.h"

using namespace beeld;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::allow_errors([&] { read_npy(fuzz::write_scratch("input.npy", fuzz::text_of(data, size))); });
  return 0;
}
