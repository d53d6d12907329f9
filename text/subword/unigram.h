#pragma once

#include <string>
#include <vector>

#include "text/subword/byte_trie.h"
#include "text/subword/word_model.h"

namespace beeld {

struct UnigramPiece {
  std::string text;
  double score = 0;  ///< log probability
};

enum class UnknownCharacters {
  unknown_piece,  ///< A run of them becomes one unknown piece.
  bytes,          ///< They become pieces `<0x00>` to `<0xFF>`, one a byte.
};

/// The unigram language model of SentencePiece (Kudo 2018): the pieces with the largest sum of log
/// probabilities, found by dynamic programming. An unknown character scores 10 below the worst piece.
class UnigramModel : public WordModel {
 public:
  /// Throws Error(corrupt) for an unknown id outside the pieces, or pieces twice.
  UnigramModel(const std::vector<UnigramPiece>& pieces, std::size_t unknown_id, UnknownCharacters unknown,
               const std::string& origin);

  void encode(std::string_view word, std::vector<std::int32_t>& ids) const override;

 private:
  void append_piece(std::string_view piece, std::vector<std::int32_t>& ids) const;

  std::vector<double> scores_;
  ByteTrie trie_;
  std::int32_t unknown_id_;
  double unknown_score_ = 0;
  UnknownCharacters unknown_;
};

}  // namespace beeld
