#include "text/tokenizer/siglip_tokenizer.h"

#include <beeld/error.h>

#include <algorithm>

#include "text/cleaning/cleaning.h"
#include "text/subword/sentence_piece.h"
#include "text/tokenizer/sentence_piece_tokenizer.h"
#include "text/tokenizer/text_stream.h"
#include "text/unicode/unicode.h"
#include "text/unicode/utf8.h"

namespace beeld {

namespace {

constexpr std::string_view meta_space = "\xE2\x96\x81";

/// Lower case, but for the added tokens.
std::string lowercase_between(std::string_view text, const AddedTokens& tokens) {
  std::string result;
  for (const auto& part : tokens.split(text)) {
    result += part.token ? std::string(part.text) : lowercase(part.text);
  }
  return result;
}

std::string replace_meta_space(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const auto end = text.find(meta_space);
    result += text.substr(0, end);
    if (end == std::string_view::npos) break;
    result += ' ';
    text.remove_prefix(end + meta_space.size());
  }
  return result;
}

std::string without_punctuation(std::string_view text) {
  return collapse_python_space(remove_ascii_punctuation(text));
}

class SiglipTokenizer : public Tokenizer {
 public:
  SiglipTokenizer(const std::filesystem::path& file, const TokenizerConfig& config)
      : model_(file, DummyPrefix::never), lowercase_(config.lowercase.value_or(true)) {
    unknown_ = config.special_text("unk_token", "<unk>");
    const auto end = config.special_text("eos_token", "</s>");
    const auto pad = config.special_text("pad_token", "</s>");
    const auto token = [](const std::string& content) {
      return AddedToken{.content = content, .lstrip = true, .rstrip = true};
    };
    end_id_ = require_piece(model_, end);
    pad_id_ = require_piece(model_, pad);
    meta_space_id_ = model_.find(meta_space);
    unknown_length_ = model_.encode(unknown_).size();
    const auto tokens = tokens_in_text(model_, config, {token(end), token(pad), token(unknown_)});
    auto bare = tokens;
    for (auto& t : bare) t.lstrip = t.rstrip = t.single_word = false;
    case_tokens_ = AddedTokens(std::move(bare));
    tokens_ = AddedTokens(tokens);
    decoder_.append(trim_text());
    if (config.clean_up_spaces.value_or(false)) decoder_.append(clean_up_spaces());
  }

  std::vector<std::int32_t> encode_full(std::string_view bytes) const override {
    auto ids = encode_text(bytes);
    if (ids.empty() || ids.back() != end_id_) ids.push_back(end_id_);
    return ids;
  }

  std::unique_ptr<TextStream> start_decoding(const TextDecoding& options) const override {
    return stream_pieces({model_, tokens_, decoder_}, options);
  }

  std::int32_t pad_id() const override { return pad_id_; }
  std::size_t vocabulary_size() const override { return model_.size(); }

 private:
  std::vector<std::int32_t> encode_text(std::string_view bytes) const {
    auto text = std::string(meta_space) + replace_meta_space(valid_utf8(bytes));
    if (lowercase_) text = lowercase_between(text, case_tokens_);
    std::vector<std::int32_t> ids;
    bool starts_with_meta_space = false;
    bool second_is_token = false;
    for (const auto& part : tokens_.split(text)) {
      if (part.token) {
        second_is_token = second_is_token || (ids.size() == 1 && starts_with_meta_space);
        ids.push_back(part.token->id);
      } else {
        append_part(part.text, ids);
        starts_with_meta_space = starts_with_meta_space || (ids.size() == 1 && ids[0] == meta_space_id_);
      }
    }
    // A lone space before a special token at the start is an artefact of the prefix.
    if (second_is_token) ids.erase(ids.begin());
    return ids;
  }

  void append_part(std::string_view text, std::vector<std::int32_t>& ids) const {
    const auto canonical = without_punctuation(text);
    std::string_view rest = canonical;
    while (!rest.empty()) {
      const auto chunk = rest.substr(0, chunk_length(rest));
      append_chunk(chunk, ids);
      rest.remove_prefix(chunk.size());
    }
  }

  /// The unknown token goes before the text, so that SentencePiece keeps what follows as it is.
  void append_chunk(std::string_view text, std::vector<std::int32_t>& ids) const {
    const auto all = model_.encode(unknown_ + std::string(text));
    const auto skip = all.size() >= unknown_length_ ? unknown_length_ : 0;
    ids.insert(ids.end(), all.begin() + static_cast<std::ptrdiff_t>(skip), all.end());
  }

  /// The library takes quadratic time for unknown characters in a row, so that long texts go to it in chunks,
  /// cut where a word starts or, in a word of several thousand bytes, anywhere.
  static std::size_t chunk_length(std::string_view text) {
    constexpr std::size_t longest = 4096;
    if (text.size() <= longest) return text.size();
    const auto space = text.rfind(' ', longest);
    if (space != std::string_view::npos && space > 0) return space;
    auto end = longest;
    while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    return end;
  }

  SentencePieceModel model_;
  bool lowercase_;
  std::string unknown_;
  std::size_t unknown_length_ = 0;
  std::int32_t end_id_ = 0;
  std::int32_t pad_id_ = 0;
  std::int32_t meta_space_id_ = 0;
  AddedTokens case_tokens_;  ///< keep their letters
  AddedTokens tokens_;
  Decoder decoder_;
};

}  // namespace

std::string canonical_siglip_text(std::string_view bytes) {
  return without_punctuation(lowercase(replace_meta_space(valid_utf8(bytes))));
}

std::unique_ptr<Tokenizer> read_siglip_tokenizer(const std::filesystem::path& model,
                                                 const TokenizerConfig& config) {
  auto result = std::make_unique<SiglipTokenizer>(model, config);
  result->set_context_length(config.context_length);
  result->set_truncation_side(config.truncation_side);
  return result;
}

}  // namespace beeld
