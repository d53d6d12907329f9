#pragma once

#include <beeld/tokenizer.h>

#include <memory>

#include "text/subword/word_model.h"
#include "text/tokenizer/added_tokens.h"
#include "text/tokenizer/decoder.h"
#include "text/tokenizer/normalizer.h"
#include "text/tokenizer/pre_tokenizer.h"

namespace beeld {

/// The ids that frame every text.
struct Frame {
  std::vector<std::int32_t> before;
  std::vector<std::int32_t> after;
};

struct PipelineParts {
  std::unique_ptr<const Normalizer> normalizer;       ///< may be null
  std::unique_ptr<const PreTokenizer> pre_tokenizer;  ///< may be null
  std::unique_ptr<const WordModel> model;
  std::vector<AddedToken> added_tokens;
  Decoder decoder;
  Frame frame;
  std::int32_t pad_id = 0;
  std::size_t vocabulary_size = 0;
};

/// A tokenizer in the steps of Hugging Face's tokenizers: added tokens are cut out, the rest is normalized,
/// split into words, and each word encoded.
class Pipeline : public Tokenizer {
 public:
  explicit Pipeline(PipelineParts parts);

  std::vector<std::int32_t> encode_full(std::string_view bytes) const override;
  std::unique_ptr<TextStream> start_decoding(const TextDecoding& options) const override;
  std::int32_t pad_id() const override { return parts_.pad_id; }
  std::size_t vocabulary_size() const override { return parts_.vocabulary_size; }
  std::size_t start_tokens() const override { return parts_.frame.before.size(); }
  std::size_t end_tokens() const override { return parts_.frame.after.size(); }

 private:
  void encode_part(const TextPart& part, bool at_start, std::vector<std::int32_t>& ids) const;
  void encode_words(std::string_view text, bool at_start, std::vector<std::int32_t>& ids) const;

  PipelineParts parts_;
  AddedTokens all_tokens_;         ///< as they are written
  AddedTokens raw_tokens_;         ///< looked for in the text as it came
  AddedTokens normalized_tokens_;  ///< looked for in normalized text
};

}  // namespace beeld
