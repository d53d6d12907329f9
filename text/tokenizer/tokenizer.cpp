#include <beeld/tokenizer.h>

#include <algorithm>

namespace beeld {

std::vector<std::int32_t> Tokenizer::encode(std::string_view text) const {
  auto ids = encode_full(text);
  if (context_length_ == 0 || ids.size() <= context_length_) return ids;
  const auto excess = static_cast<std::ptrdiff_t>(ids.size() - context_length_);
  const auto last = std::min(end_tokens(), context_length_);
  const auto first = std::min(start_tokens(), context_length_ - last);
  const bool left = truncation_side_ == TruncationSide::left;
  const auto cut = left ? ids.begin() + static_cast<std::ptrdiff_t>(first)
                        : ids.end() - static_cast<std::ptrdiff_t>(last) - excess;
  ids.erase(cut, cut + excess);
  return ids;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids, const TextDecoding& options) const {
  const auto stream = start_decoding(options);
  std::string text;
  for (const auto id : ids) text += stream->push(id);
  return text += stream->finish();
}

}  // namespace beeld
