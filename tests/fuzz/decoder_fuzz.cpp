#include <beeld/tokenizer.h>

#include <cstdlib>

#include "tests/fuzz/input.h"
#include "text/unicode/utf8.h"

using namespace beeld;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// The pieces are valid UTF-8 and joined what decoding at once gives.
void check(const Tokenizer& tokenizer, std::span<const std::int32_t> ids, SpecialTokens special) {
  const auto stream = tokenizer.start_decoding({special});
  std::string text;
  for (const auto id : ids) {
    const auto piece = stream->push(id);
    require(is_valid_utf8(piece));
    text += piece;
  }
  const auto rest = stream->finish();
  require(is_valid_utf8(rest));
  require(text + rest == tokenizer.decode(ids, {special}));
}

}  // namespace

// tokenizer.json, and ids, a byte each.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = fuzz::parts_of(fuzz::text_of(data, size), 2);
  fuzz::write_scratch("tokenizer.json", parts[0]);
  std::vector<std::int32_t> ids;
  for (const char c : parts[1]) ids.push_back(static_cast<signed char>(c));
  fuzz::allow_errors([&] {
    const auto tokenizer = load_tokenizer(fuzz::scratch_folder());
    check(*tokenizer, ids, SpecialTokens::skip);
    check(*tokenizer, ids, SpecialTokens::keep);
  });
  return 0;
}
