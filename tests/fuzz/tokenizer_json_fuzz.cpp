#include <beeld/tokenizer.h>

#include "tests/fuzz/input.h"

using namespace beeld;

// tokenizer.json and a text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = fuzz::parts_of(fuzz::text_of(data, size), 2);
  fuzz::write_scratch("tokenizer.json", parts[0]);
  fuzz::allow_errors([&] { load_tokenizer(fuzz::scratch_folder())->encode(parts[1]); });
  return 0;
}
