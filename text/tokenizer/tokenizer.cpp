#include <beeld/tokenizer.h>

#include <algorithm>

namespace beeld {

std::vector<std::int32_t> Tokenizer::encode(std::string_view text) const {
  auto ids = encode_full(text);
  if (context_length_ != 0 && ids.size() > context_length_) {
    const auto kept = std::min(end_tokens(), context_length_);
    const auto place = ids.begin() + static_cast<std::ptrdiff_t>(context_length_ - kept);
    std::copy(ids.end() - static_cast<std::ptrdiff_t>(kept), ids.end(), place);
    ids.resize(context_length_);
  }
  return ids;
}

}  // namespace beeld
