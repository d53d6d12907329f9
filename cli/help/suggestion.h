#pragma once

#include <string>
#include <vector>

namespace beeld::cli {

/// The candidate that a mistyped word is likely to stand for: letters added, left out, replaced or exchanged
/// with their neighbour, at most one in three; or what the word begins with or ends. Empty where none is
/// near.
std::string suggestion(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace beeld::cli
