#include "core/format/pickled_file.h"
#include "tests/fuzz/input.h"

using namespace beeld;

// Not local, or the compiler would leave the reading out.
std::byte ends{};

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::allow_errors([&] {
    const PickledFile file(fuzz::write_scratch("input.bin", fuzz::text_of(data, size)));
    // The ends of every tensor are read, so that a span outside the file is seen.
    for (const auto& [name, tensor] : file.tensors()) {
      if (!tensor.bytes.empty()) ends ^= tensor.bytes.front() ^ tensor.bytes.back();
    }
  });
  return 0;
}
