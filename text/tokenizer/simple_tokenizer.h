#pragma once

#include <beeld/tokenizer.h>

#include "text/cleaning/cleaning.h"
#include "text/subword/byte_pair.h"
#include "text/tokenizer/decoder.h"
#include "text/unicode/regex.h"

namespace beeld {

/// CLIP's own tokenizer as OpenAI and OpenCLIP publish it: the text is cleaned, cut into words by one
/// pattern, and each word's bytes are encoded by byte pairs. `<start_of_text>` and `<end_of_text>` in the
/// text are the tokens they name. Padded with zeros.
class SimpleTokenizer : public Tokenizer {
 public:
  /// `vocabulary` names the start and end tokens `<start_of_text>` and `<end_of_text>`, or `<|startoftext|>`
  /// and `<|endoftext|>`. Throws Error(corrupt) for a vocabulary that lacks them, or a byte.
  SimpleTokenizer(Vocabulary vocabulary, const Merges& merges, Cleaning cleaning);

  std::vector<std::int32_t> encode_full(std::string_view bytes) const override;
  std::unique_ptr<TextStream> start_decoding(const TextDecoding& options) const override;
  std::int32_t pad_id() const override { return 0; }
  std::size_t vocabulary_size() const override { return model_.vocabulary().size(); }
  std::size_t start_tokens() const override { return 1; }

 private:
  BytePairModel model_;
  Cleaning cleaning_;
  Regex words_;
  std::int32_t start_id_;
  std::int32_t end_id_;
  Decoder decoder_;
};

/// CLIP's pieces: bytes, where `end_suffix` ends a word.
Decoder decode_word_bytes(const std::string& end_suffix);

/// The vocabulary that a list of merges implies: bytes, bytes that end a word, merges, the two special
/// tokens.
Vocabulary vocabulary_of_merges(Merges& merges, const std::string& origin);

/// What CLIP calls a word, after its special tokens.
inline constexpr std::string_view clip_words = R"('s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+)";

}  // namespace beeld
