#include "text/tokenizer/pipeline.h"

#include "text/tokenizer/text_stream.h"
#include "text/unicode/utf8.h"

namespace beeld {

Pipeline::Pipeline(PipelineParts parts) : parts_(std::move(parts)), all_tokens_(parts_.added_tokens) {
  std::vector<AddedToken> raw;
  std::vector<AddedToken> normalized;
  for (auto& token : parts_.added_tokens) {
    if (!token.normalized) {
      raw.push_back(token);
      continue;
    }
    normalized.push_back(token);
    if (parts_.normalizer) normalized.back().content = parts_.normalizer->apply(token.content);
  }
  raw_tokens_ = AddedTokens(std::move(raw));
  normalized_tokens_ = AddedTokens(std::move(normalized));
}

void Pipeline::encode_words(std::string_view text, bool at_start, std::vector<std::int32_t>& ids) const {
  if (!parts_.pre_tokenizer) return parts_.model->encode(text, ids);
  std::vector<Piece> words;
  parts_.pre_tokenizer->split({std::string(text), at_start}, words);
  for (const auto& word : words) parts_.model->encode(word.text, ids);
}

void Pipeline::encode_part(const TextPart& part, bool at_start, std::vector<std::int32_t>& ids) const {
  const auto text = parts_.normalizer ? parts_.normalizer->apply(part.text) : std::string(part.text);
  for (const auto& piece : normalized_tokens_.split(text)) {
    if (piece.token) {
      ids.push_back(piece.token->id);
    } else {
      encode_words(piece.text, at_start && piece.text.data() == text.data(), ids);
    }
  }
}

std::vector<std::int32_t> Pipeline::encode_full(std::string_view bytes) const {
  const auto text = valid_utf8(bytes);
  auto ids = parts_.frame.before;
  for (const auto& part : raw_tokens_.split(text)) {
    if (part.token) {
      ids.push_back(part.token->id);
    } else {
      encode_part(part, part.text.data() == text.data(), ids);
    }
  }
  ids.insert(ids.end(), parts_.frame.after.begin(), parts_.frame.after.end());
  return ids;
}

std::unique_ptr<TextStream> Pipeline::start_decoding(const TextDecoding& options) const {
  const auto find = [this](std::int32_t id) -> std::optional<TokenText> {
    if (const auto* token = all_tokens_.find(id)) return TokenText{token->content, token->special};
    const auto& vocabulary = parts_.model->vocabulary();
    if (!vocabulary.has_id(id)) return std::nullopt;
    return TokenText{vocabulary.piece(id)};
  };
  return stream_tokens(parts_.decoder, find, options);
}

}  // namespace beeld
