#pragma once

#include <string>

#include "text/subword/word_model.h"

namespace beeld {

struct WordPieceOptions {
  std::string unknown = "[UNK]";
  std::string continuing_prefix = "##";
  std::size_t longest_word = 100;  ///< in code points; longer words are unknown
};

/// WordPiece (Schuster & Nakajima 2012) as in BERT: from the left always the longest piece that fits; a word
/// that cannot be covered is unknown as a whole.
class WordPieceModel : public WordModel {
 public:
  /// Throws Error(corrupt) where the unknown piece is not in the vocabulary.
  WordPieceModel(Vocabulary pieces, const WordPieceOptions& options);

  void encode(std::string_view word, std::vector<std::int32_t>& ids) const override;

 private:
  WordPieceOptions options_;
  std::int32_t unknown_id_;
};

}  // namespace beeld
