#include "text/subword/byte_pair.h"

#include <beeld/error.h>

#include <queue>

#include "core/base/files.h"
#include "core/base/text.h"
#include "text/subword/byte_alphabet.h"
#include "text/unicode/utf8.h"

namespace beeld {

struct BytePairModel::Symbol {
  std::int32_t id = 0;
  std::int32_t previous = -1;  ///< index of the neighbour, -1 at the ends
  std::int32_t next = -1;
  bool merged = false;  ///< now a part of its left neighbour
};

namespace {

std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
}

/// A pair that may be joined; the queue yields the lowest rank first, then the leftmost.
struct Candidate {
  std::uint32_t rank;
  std::int32_t left;
  std::int32_t id;
  bool operator<(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : left > other.left;
  }
};

}  // namespace

BytePairModel::BytePairModel(Vocabulary pieces, const Merges& merges, const BytePairOptions& options)
    : WordModel(std::move(pieces)), options_(options), merges_(merges.size()) {
  std::uint32_t rank = 0;
  for (const auto& [left, right] : merges) {
    if (right.size() < options_.continuing_prefix.size()) {
      throw Error(ErrorCode::corrupt,
                  "[merges] " + vocabulary().origin() + ": \"" + right + "\" lacks the continuing prefix");
    }
    const auto joined = left + right.substr(options_.continuing_prefix.size());
    const auto key = pair_key(vocabulary().require(left), vocabulary().require(right));
    merges_.assign(key, {rank++, vocabulary().require(joined)});
  }
  if (!options_.unknown.empty()) unknown_id_ = vocabulary().require(options_.unknown);
  for (unsigned byte = 0; byte < 256; ++byte) {
    byte_ids_[byte] = options_.byte_fallback ? vocabulary().find(byte_piece(static_cast<unsigned char>(byte)))
                                             : Vocabulary::none;
  }
}

bool BytePairModel::append_bytes(std::string_view piece, std::vector<Symbol>& symbols) const {
  for (const char c : piece) {
    if (byte_ids_[static_cast<unsigned char>(c)] == Vocabulary::none) return false;
  }
  for (const char c : piece) symbols.push_back({byte_ids_[static_cast<unsigned char>(c)]});
  return true;
}

void BytePairModel::append_symbols(std::string_view word, std::vector<Symbol>& symbols) const {
  bool pending_unknown = false;
  const auto flush = [&] {
    if (pending_unknown) symbols.push_back({*unknown_id_});
    pending_unknown = false;
  };
  std::string piece;
  for (std::size_t i = 0; i < word.size();) {
    const auto length = sequence_length(word[i]);
    piece = i == 0 ? "" : options_.continuing_prefix;
    piece += word.substr(i, length);
    i += length;
    if (i >= word.size()) piece += options_.end_suffix;
    const auto id = vocabulary().find(piece);
    if (id != Vocabulary::none) {
      flush();
      symbols.push_back({id});
      continue;
    }
    if (options_.byte_fallback && append_bytes(piece, symbols)) continue;
    if (!unknown_id_) continue;
    if (!options_.fuse_unknown) flush();
    pending_unknown = true;
  }
  flush();
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    symbols[i].previous = static_cast<std::int32_t>(i) - 1;
    symbols[i].next = i + 1 < symbols.size() ? static_cast<std::int32_t>(i) + 1 : -1;
  }
}

const BytePairModel::Merge* BytePairModel::find_merge(std::int32_t left, std::int32_t right) const {
  return merges_.find(pair_key(left, right));
}

void BytePairModel::encode(std::string_view word, std::vector<std::int32_t>& ids) const {
  if (word.empty()) return;
  if (options_.ignore_merges) {
    const auto id = vocabulary().find(word);
    if (id != Vocabulary::none) return ids.push_back(id);
  }
  std::vector<Symbol> symbols;
  symbols.reserve(word.size());
  append_symbols(word, symbols);

  std::priority_queue<Candidate> queue;
  const auto offer = [&](std::int32_t left) {
    if (left < 0 || symbols[left].next < 0) return;
    const auto* merge = find_merge(symbols[left].id, symbols[symbols[left].next].id);
    if (merge) queue.push({merge->rank, left, merge->id});
  };
  for (std::size_t i = 0; i + 1 < symbols.size(); ++i) offer(static_cast<std::int32_t>(i));
  while (!queue.empty()) {
    const auto best = queue.top();
    queue.pop();
    auto& left = symbols[best.left];
    if (left.merged || left.next < 0) continue;
    auto& right = symbols[left.next];
    const auto* merge = find_merge(left.id, right.id);
    if (!merge || merge->id != best.id) continue;  // one of the two has changed since
    left.id = best.id;
    left.next = right.next;
    right.merged = true;
    if (left.next >= 0) symbols[left.next].previous = best.left;
    offer(left.previous);
    offer(best.left);
  }
  for (const auto& symbol : symbols) {
    if (!symbol.merged) ids.push_back(symbol.id);
  }
}

Merges read_merges(const std::string& path) {
  constexpr std::size_t largest_file = 64u << 20;
  const auto content = read_file(path, largest_file);
  if (!is_valid_utf8(content)) throw Error(ErrorCode::corrupt, "[merges] " + path + ": not UTF-8");
  Merges merges;
  auto rest = without_byte_order_mark(content, path);
  for (std::size_t number = 1; !rest.empty(); ++number) {
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || (number == 1 && line.find("#version") != std::string_view::npos)) continue;
    const auto space = line.find(' ');
    if (space == 0 || space == std::string_view::npos || space + 1 == line.size() ||
        line.find(' ', space + 1) != std::string_view::npos) {
      throw Error(ErrorCode::corrupt, "[merges] " + path + ": line " + std::to_string(number) +
                                          ": expected two pieces with a space between, got \"" +
                                          std::string(line.substr(0, 80)) + "\"");
    }
    merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return merges;
}

}  // namespace beeld
