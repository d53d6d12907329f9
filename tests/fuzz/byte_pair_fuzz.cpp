#include <beeld/tokenizer.h>

#include "tests/fuzz/input.h"

using namespace beeld;

// vocab.json, merges.txt, tokenizer_config.json and a text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = fuzz::parts_of(fuzz::text_of(data, size), 4);
  fuzz::write_scratch("vocab.json", parts[0]);
  fuzz::write_scratch("merges.txt", parts[1]);
  fuzz::write_scratch("tokenizer_config.json", parts[2]);
  fuzz::allow_errors([&] { load_tokenizer(fuzz::scratch_folder())->encode(parts[3]); });
  return 0;
}
