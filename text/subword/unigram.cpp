#include "text/subword/unigram.h"

#include <beeld/error.h>

#include <algorithm>
#include <cmath>

#include "text/subword/byte_alphabet.h"
#include "text/unicode/regex.h"
#include "text/unicode/utf8.h"

namespace beeld {

namespace {

constexpr double unknown_penalty = 10.0;

Vocabulary vocabulary_of(const std::vector<UnigramPiece>& pieces, const std::string& origin) {
  std::vector<std::string> texts;
  texts.reserve(pieces.size());
  for (const auto& piece : pieces) texts.push_back(piece.text);
  return Vocabulary::from_list(texts, origin);
}

/// The best way found to the end of some prefix of the word.
struct Step {
  double score = 0;
  std::size_t start = std::string_view::npos;  ///< where its last piece starts
  std::uint32_t id = 0;

  void improve(double new_score, std::size_t new_start, std::uint32_t new_id) {
    if (start != std::string_view::npos && new_score <= score) return;
    *this = {new_score, new_start, new_id};
  }
};

}  // namespace

UnigramModel::UnigramModel(const std::vector<UnigramPiece>& pieces, std::size_t unknown_id,
                           UnknownCharacters unknown, const std::string& origin)
    : WordModel(vocabulary_of(pieces, origin)),
      unknown_id_(static_cast<std::int32_t>(unknown_id)),
      unknown_(unknown) {
  if (unknown_id >= pieces.size()) {
    throw Error(ErrorCode::corrupt, "[unigram] " + origin + ": the unknown id " + std::to_string(unknown_id) +
                                        " is not below the " + std::to_string(pieces.size()) + " pieces");
  }
  double worst = pieces[unknown_id].score;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (!std::isfinite(pieces[i].score)) {
      throw Error(ErrorCode::corrupt,
                  "[unigram] " + origin + ": piece " + std::to_string(i) + " has no score");
    }
    scores_.push_back(pieces[i].score);
    worst = std::min(worst, pieces[i].score);
    trie_.insert(pieces[i].text, static_cast<std::uint32_t>(i));
  }
  unknown_score_ = worst - unknown_penalty;
}

void UnigramModel::append_piece(std::string_view piece, std::vector<std::int32_t>& ids) const {
  auto id = vocabulary().find(piece);
  if (id == Vocabulary::none && unknown_ == UnknownCharacters::bytes) {
    std::vector<std::int32_t> bytes;
    for (const char c : piece) bytes.push_back(vocabulary().find(byte_piece(static_cast<unsigned char>(c))));
    if (std::find(bytes.begin(), bytes.end(), Vocabulary::none) == bytes.end()) {
      ids.insert(ids.end(), bytes.begin(), bytes.end());
      return;
    }
  }
  ids.push_back(id == Vocabulary::none ? unknown_id_ : id);
}

void UnigramModel::encode(std::string_view word, std::vector<std::int32_t>& ids) const {
  std::vector<Step> best(word.size() + 1);
  for (std::size_t start = 0; start < word.size();) {
    const auto score = best[start].score;
    const auto character = sequence_length(word[start]);
    bool single = false;
    trie_.for_each_prefix(word.substr(start), [&](std::size_t length, std::uint32_t id) {
      best[start + length].improve(scores_[id] + score, start, id);
      single = single || length == character;
    });
    if (!single) {
      best[start + character].improve(unknown_score_ + score, start, static_cast<std::uint32_t>(unknown_id_));
    }
    start += character;
  }
  std::vector<Span> pieces;  // from the end; runs of unknown characters joined
  bool in_run = false;
  for (auto end = word.size(); end > 0;) {
    const auto& step = best[end];
    const bool unknown = step.id == static_cast<std::uint32_t>(unknown_id_);
    if (unknown && in_run) {
      pieces.back().begin = step.start;
    } else {
      pieces.push_back({step.start, end});
    }
    in_run = unknown;
    end = step.start;
  }
  for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) {
    append_piece(word.substr(piece->begin, piece->end - piece->begin), ids);
  }
}

}  // namespace beeld
