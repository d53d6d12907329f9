#pragma once

#include <cstdint>
#include <vector>

namespace beeld {

/// Where the sequences of a batch begin in its rows [N,C]: sequence b is rows [begin[b], begin[b+1]).
struct Sequences {
  std::vector<std::int64_t> begin{0};  ///< B + 1 entries, the last is N

  /// B sequences of T tokens each.
  static Sequences equal(std::int64_t count, std::int64_t length);

  void append(std::int64_t length) { begin.push_back(begin.back() + length); }
  std::int64_t count() const { return static_cast<std::int64_t>(begin.size()) - 1; }
  std::int64_t rows() const { return begin.back(); }
  std::int64_t length(std::int64_t b) const { return begin[b + 1] - begin[b]; }
};

}  // namespace beeld
