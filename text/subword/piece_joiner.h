#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "text/subword/sentence_piece.h"

namespace beeld {

/// The text of a SentencePiece model's pieces, one by one, as the library's Decode() has it of all of them:
/// no space at the start where encoding put one there, and bytes that are no character become one U+FFFD
/// each.
class PieceJoiner {
 public:
  /// `model` must outlive it. Throws Error(unsupported) where the file has a denormalizer.
  explicit PieceJoiner(const SentencePieceModel& model);

  /// Appends what the piece with this id, below the model's size, makes certain.
  void add(std::int32_t id, std::string& text);

  /// Appends text that is no piece.
  void add_text(std::string_view part, std::string& text);

  /// Appends U+FFFD for the bytes of a character that is not complete.
  void finish(std::string& text);

 private:
  void add_byte(unsigned char byte, std::string& text);
  void drop_space(std::string_view& piece);

  const SentencePieceModel& model_;
  std::string bytes_;     ///< of a character that is not complete
  bool at_start_ = true;  ///< A space that comes now is not the text's.
};

}  // namespace beeld
