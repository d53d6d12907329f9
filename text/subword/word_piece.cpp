#include "text/subword/word_piece.h"

#include <algorithm>

#include "text/unicode/utf8.h"

namespace beeld {

WordPieceModel::WordPieceModel(Vocabulary pieces, const WordPieceOptions& options)
    : WordModel(std::move(pieces)), options_(options), unknown_id_(vocabulary().require(options.unknown)) {}

void WordPieceModel::encode(std::string_view word, std::vector<std::int32_t>& ids) const {
  if (count_code_points(word) > options_.longest_word) return ids.push_back(unknown_id_);
  const auto before = ids.size();
  std::string piece;
  for (std::size_t start = 0; start < word.size();) {
    const auto& prefix = start == 0 ? std::string() : options_.continuing_prefix;
    auto end = std::min(word.size(), start + vocabulary().longest_piece());
    auto id = Vocabulary::none;
    for (; end > start; --end) {
      if (end < word.size() && (static_cast<unsigned char>(word[end]) & 0xC0) == 0x80) continue;
      piece = prefix;
      piece += word.substr(start, end - start);
      id = vocabulary().find(piece);
      if (id != Vocabulary::none) break;
    }
    if (id == Vocabulary::none) {
      ids.resize(before);
      return ids.push_back(unknown_id_);
    }
    ids.push_back(id);
    start = end;
  }
}

}  // namespace beeld
