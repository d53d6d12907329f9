#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace beeld {

/// A part of the text on its way to become a word.
struct Piece {
  std::string text;
  bool at_start = false;  ///< Nothing of the input stands before it.
};

/// Cuts normalized text into words. Const and thread-safe.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;

  /// Appends the words of `piece`; none of them is empty.
  virtual void split(const Piece& piece, std::vector<Piece>& words) const = 0;
};

/// What becomes of the matches of a splitting pattern.
enum class Delimiters { removed, isolated, merged_with_previous, merged_with_next, contiguous };

/// Words are what lies between the matches of a pattern or, inverted, the matches.
struct SplitOptions {
  Delimiters delimiters = Delimiters::removed;
  bool invert = false;
};

/// Splits at a regular expression. Throws as Regex.
std::unique_ptr<const PreTokenizer> make_split(std::string_view regex, const SplitOptions& options);

/// White space removed, punctuation characters isolated, as BERT has it.
std::unique_ptr<const PreTokenizer> make_bert_pre_tokenizer();

/// Bytes as characters of the byte alphabet, after splitting by GPT-2's pattern where `split_words`.
std::unique_ptr<const PreTokenizer> make_byte_level(bool add_prefix_space, bool split_words);

/// One after the other.
std::unique_ptr<const PreTokenizer> make_pre_tokenizer_sequence(
    std::vector<std::unique_ptr<const PreTokenizer>> steps);

/// The `pre_tokenizer` of a tokenizer.json; null for null. Throws Error: corrupt, or unsupported for a type
/// this version does not have.
std::unique_ptr<const PreTokenizer> read_pre_tokenizer(const nlohmann::json& value,
                                                       const std::string& origin);

}  // namespace beeld
