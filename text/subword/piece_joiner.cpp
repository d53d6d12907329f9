#include "text/subword/piece_joiner.h"

#include <beeld/error.h>

#include <algorithm>

#include "text/subword/byte_alphabet.h"
#include "text/unicode/utf8.h"

namespace beeld {

namespace {

constexpr std::string_view meta_space = "\xE2\x96\x81";

void append_piece(std::string_view piece, std::string& text) {
  for (auto at = piece.find(meta_space); at != std::string_view::npos; at = piece.find(meta_space)) {
    text += piece.substr(0, at);
    text += ' ';
    piece.remove_prefix(at + meta_space.size());
  }
  text += piece;
}

}  // namespace

PieceJoiner::PieceJoiner(const SentencePieceModel& model) : model_(model) {
  if (model.joining().has_denormalizer) {
    throw Error(ErrorCode::unsupported, "[decode] a SentencePiece model with a denormalizer");
  }
}

void PieceJoiner::add_byte(unsigned char byte, std::string& text) {
  bytes_ += static_cast<char>(byte);
  while (!bytes_.empty()) {
    std::size_t length = 1;
    while (length <= bytes_.size() && !is_valid_utf8(std::string_view(bytes_).substr(0, length))) ++length;
    if (length <= bytes_.size()) {
      text += bytes_.substr(0, length);
      bytes_.erase(0, length);
    } else if (incomplete_tail(bytes_) == bytes_.size()) {
      return;
    } else {
      text += replacement_character;
      bytes_.erase(0, 1);
    }
    at_start_ = false;
  }
}

/// Where encoding removes all spaces at the start, pieces may drop one each until there is text.
void PieceJoiner::drop_space(std::string_view& piece) {
  const auto& joining = model_.joining();
  if (!joining.dummy_prefix && !joining.remove_extra_whitespaces) return;
  if (!piece.starts_with(meta_space)) return;
  piece.remove_prefix(meta_space.size());
  if (!joining.remove_extra_whitespaces) at_start_ = false;
}

void PieceJoiner::add(std::int32_t id, std::string& text) {
  const auto kind = model_.kind(id);
  const auto& written = model_.piece(id);
  if (kind == PieceKind::byte) {
    if (const auto byte = byte_of_piece(written)) return add_byte(*byte, text);
  }
  if (kind == PieceKind::control) return finish(text);
  if (kind == PieceKind::unknown) return add_text(model_.joining().unknown, text);
  finish(text);
  const auto valid = valid_utf8(written);
  std::string_view piece = valid;
  if (at_start_) drop_space(piece);
  append_piece(piece, text);
  at_start_ = at_start_ && piece.empty();
}

void PieceJoiner::add_text(std::string_view part, std::string& text) {
  finish(text);
  text += part;
  at_start_ = at_start_ && part.empty();
}

void PieceJoiner::finish(std::string& text) {
  for (std::size_t i = 0; i < bytes_.size(); ++i) text += replacement_character;
  if (!bytes_.empty()) at_start_ = false;
  bytes_.clear();
}

}  // namespace beeld
