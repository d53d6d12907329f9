#include <beeld/tokenizer.h>

namespace beeld {

std::vector<std::int32_t> Tokenizer::encode(std::string_view text) const {
  auto ids = encode_full(text);
  if (context_length_ != 0 && ids.size() > context_length_) {
    const auto end = ids.back();
    ids.resize(context_length_);
    ids.back() = end;
  }
  return ids;
}

}  // namespace beeld
