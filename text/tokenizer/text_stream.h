#pragma once

#include <beeld/tokenizer.h>

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "text/subword/sentence_piece.h"
#include "text/tokenizer/added_tokens.h"
#include "text/tokenizer/decoder.h"

namespace beeld {

/// A token as it is written.
struct TokenText {
  std::string_view text;  ///< valid UTF-8
  bool special = false;
};

/// The token with an id, if one has it. What it refers to stays as long as the tokenizer.
using FindToken = std::function<std::optional<TokenText>(std::int32_t)>;

/// Tokens as they are written, turned into text by `decoder`.
std::unique_ptr<TextStream> stream_tokens(const Decoder& decoder, FindToken find,
                                          const TextDecoding& options);

/// Pieces of a SentencePiece model and tokens added to it, joined, and then changed by `decoder`. The model
/// and the tokens must outlive the stream.
struct PieceStreamParts {
  const SentencePieceModel& model;
  const AddedTokens& tokens;
  const Decoder& decoder;
};
std::unique_ptr<TextStream> stream_pieces(const PieceStreamParts& parts, const TextDecoding& options);

}  // namespace beeld
