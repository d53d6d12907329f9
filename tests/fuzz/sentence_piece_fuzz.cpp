#include "tests/fuzz/input.h"
#include "text/subword/sentence_piece.h"

using namespace beeld;

// A text, and behind it spiece.model, which has zeros of its own.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = fuzz::parts_of(fuzz::text_of(data, size), 2);
  const auto file = fuzz::write_scratch("spiece.model", parts[1]);
  fuzz::allow_errors([&] { SentencePieceModel(file, DummyPrefix::as_file).encode(parts[0]); });
  fuzz::allow_errors([&] { SentencePieceModel(file, DummyPrefix::never).encode(parts[0]); });
  return 0;
}
