#include "text/tokenizer/added_tokens.h"

#include "text/unicode/unicode.h"
#include "text/unicode/utf8.h"

namespace beeld {

namespace {

bool is_word_character(char32_t c) {
  return is_letter(c) || is_mark(c) || is_decimal_digit(c) || is_connector(c);
}

bool starts_with_word(std::string_view text) {
  std::size_t next = 0;
  return !text.empty() && is_word_character(next_code_point(text, next));
}

bool ends_with_word(std::string_view text) {
  if (text.empty()) return false;
  auto last = text.size() - 1;
  while ((static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
  return is_word_character(next_code_point(text, last));
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (!tokens_[i].content.empty()) trie_.insert(tokens_[i].content, static_cast<std::uint32_t>(i));
    by_id_.emplace(tokens_[i].id, i);
  }
}

const AddedToken* AddedTokens::find(std::int32_t id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : &tokens_[it->second];
}

const AddedToken* AddedTokens::longest_at(std::string_view text) const {
  const AddedToken* longest = nullptr;
  trie_.for_each_prefix(text, [&](std::size_t, std::uint32_t i) { longest = &tokens_[i]; });
  return longest;
}

std::vector<TextPart> AddedTokens::split(std::string_view text) const {
  std::vector<TextPart> parts;
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size() && !tokens_.empty();) {
    const auto* token = longest_at(text.substr(i));
    if (!token) {
      ++i;
      continue;
    }
    auto begin = i;
    auto end = i + token->content.size();
    i = end;
    if (token->single_word && (ends_with_word(text.substr(0, begin)) || starts_with_word(text.substr(end)))) {
      continue;
    }
    if (token->lstrip) {
      begin = done + strip(text.substr(done, begin - done), is_white_space, false, true).size();
    }
    if (token->rstrip) {
      const auto rest = text.substr(end);
      end += rest.size() - strip(rest, is_white_space, true, false).size();
    }
    if (begin > done) parts.push_back({text.substr(done, begin - done)});
    parts.push_back({text.substr(begin, end - begin), token});
    done = end;
    i = end;
  }
  if (done < text.size()) parts.push_back({text.substr(done)});
  return parts;
}

}  // namespace beeld
