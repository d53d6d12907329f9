#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "text/subword/flat_map.h"
#include "text/subword/word_model.h"

namespace beeld {

using Merges = std::vector<std::pair<std::string, std::string>>;

struct BytePairOptions {
  std::string unknown = {};  ///< The piece for characters the vocabulary lacks; they are dropped where empty.
  std::string continuing_prefix = {};  ///< Before every character of a word but the first.
  std::string end_suffix = {};         ///< Behind the last character of a word: `</w>` for CLIP.
  bool fuse_unknown = false;           ///< Neighbouring unknown characters become one.
  bool byte_fallback = false;          ///< Unknown characters become pieces `<0x00>` to `<0xFF>`, one a byte.
  bool ignore_merges = false;          ///< A word that is a piece as a whole is that piece.
};

/// Byte-pair encoding (Sennrich et al. 2016): characters are joined pair by pair, always the pair that stands
/// first in the list of merges and, of several, the leftmost. Takes n log n time for a word of n bytes.
class BytePairModel : public WordModel {
 public:
  /// Throws Error(corrupt) for merges or settings that name pieces the vocabulary lacks.
  BytePairModel(Vocabulary pieces, const Merges& merges, const BytePairOptions& options);

  void encode(std::string_view word, std::vector<std::int32_t>& ids) const override;
  std::string_view end_suffix() const override { return options_.end_suffix; }

 private:
  struct Merge {
    std::uint32_t rank = 0;
    std::int32_t id = 0;
  };
  struct Symbol;

  void append_symbols(std::string_view word, std::vector<Symbol>& symbols) const;
  bool append_bytes(std::string_view piece, std::vector<Symbol>& symbols) const;
  const Merge* find_merge(std::int32_t left, std::int32_t right) const;

  BytePairOptions options_;
  FlatMap<Merge> merges_;
  std::optional<std::int32_t> unknown_id_;
  std::array<std::int32_t, 256> byte_ids_{};
};

/// The lines of a `merges.txt` behind its version line. Throws Error: not_found, io, limit or corrupt.
Merges read_merges(const std::string& path);

}  // namespace beeld
