#include "cli/help/suggestion.h"

#include <algorithm>
#include <cstddef>

namespace beeld::cli {

namespace {

/// Edits between two words (Damerau 1964, without edits inside an exchanged pair).
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> edits(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        edits[i][j] = i + j;
        continue;
      }
      const std::size_t replaced = edits[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      edits[i][j] = std::min({edits[i - 1][j] + 1, edits[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        edits[i][j] = std::min(edits[i][j], edits[i - 2][j - 2] + 1);
    }
  }
  return edits[a.size()][b.size()];
}

std::string letters_of(const std::string& name) {
  std::string letters;
  for (const char c : name)
    if (c != '-' && c != '_') letters += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return letters;
}

}  // namespace

std::string suggestion(const std::string& word, const std::vector<std::string>& candidates) {
  constexpr std::size_t longest = 64, shortest_part = 3;
  const auto typed = letters_of(word);
  if (typed.empty() || typed.size() > longest) return "";
  std::string best;
  std::size_t least = std::max<std::size_t>(typed.size() / 3, 1) + 1;
  for (const auto& candidate : candidates) {
    const auto letters = letters_of(candidate);
    if (letters.size() <= 1 || letters.size() > longest) continue;
    const auto edits = distance(typed, letters);
    if (edits >= least || edits >= letters.size()) continue;
    least = edits;
    best = candidate;
  }
  if (!best.empty() || typed.size() < shortest_part) return best;
  for (const auto& candidate : candidates) {
    const auto letters = letters_of(candidate);
    if (letters.size() < shortest_part) continue;
    if (letters.starts_with(typed) || letters.ends_with(typed) || typed.starts_with(letters))
      return candidate;
  }
  return "";
}

}  // namespace beeld::cli
