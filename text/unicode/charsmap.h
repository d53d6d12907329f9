#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace beeld {

/// SentencePiece's precompiled normalization: a double-array trie (Yata's darts-clone) of character sequences
/// and the strings that replace them.
class Charsmap {
 public:
  /// Reads the binary form and checks that no look-up can leave it. Throws Error(corrupt).
  Charsmap(std::string_view blob, const std::string& origin);

  /// As Hugging Face's tokenizers apply it: grapheme by grapheme where one is shorter than six bytes and has
  /// a replacement, else character by character.
  std::string normalize(std::string_view text) const;

 private:
  /// The replacement of the shortest key that `text` begins with; nullptr where there is none.
  const char* find(std::string_view text) const;

  std::vector<std::uint32_t> units_;
  std::string strings_;  ///< each ends with NUL
};

/// Decodes standard base64. Throws Error(corrupt).
std::string decode_base64(std::string_view text, const std::string& origin);

}  // namespace beeld
