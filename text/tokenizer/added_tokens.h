#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/subword/byte_trie.h"

namespace beeld {

/// A token that is recognised in the text itself, before any splitting.
struct AddedToken {
  std::string content;
  std::int32_t id = 0;
  bool single_word = false;  ///< Only where no word character stands next to it.
  bool lstrip = false;       ///< It takes the white space before it.
  bool rstrip = false;       ///< It takes the white space behind it.
  bool normalized = false;   ///< It is looked for after normalization.
  bool special = true;       ///< It stands for no text.
};

/// A part of a text: an added token, or what lies between two.
struct TextPart {
  std::string_view text;
  const AddedToken* token = nullptr;  ///< null for text between tokens
};

/// Finds added tokens; of several that start at one place, the longest. Const and thread-safe.
class AddedTokens {
 public:
  AddedTokens() = default;
  explicit AddedTokens(std::vector<AddedToken> tokens);

  bool empty() const { return tokens_.empty(); }

  /// The parts of valid UTF-8 in their order; none of the texts between tokens is empty.
  std::vector<TextPart> split(std::string_view text) const;

  /// The token with this id; null where there is none.
  const AddedToken* find(std::int32_t id) const;

 private:
  const AddedToken* longest_at(std::string_view text) const;

  std::vector<AddedToken> tokens_;
  ByteTrie trie_;
  std::unordered_map<std::int32_t, std::size_t> by_id_;
};

}  // namespace beeld
