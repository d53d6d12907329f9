#include "core/safetensors.h"
#include "tests/fuzz/input.h"

using namespace beeld;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::allow_errors([&] {
    const SafetensorsFile file(fuzz::write_scratch("input.safetensors", fuzz::text_of(data, size)));
    // The ends of every tensor are read, so that a span outside the file is seen.
    volatile std::byte last{};
    for (const auto& [name, tensor] : file.tensors()) {
      if (tensor.bytes.empty()) continue;
      last = tensor.bytes.front();
      last = tensor.bytes.back();
    }
  });
  return 0;
}
