#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace beeld {

/// A span `[begin, end)` of bytes.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

enum class Case { sensitive, insensitive };

/// A Unicode regular expression over valid UTF-8 (PCRE2). Const and thread-safe.
///
/// The shorthands mean what they mean in Oniguruma, which the published tokenizer files are written for:
/// `\s` is White_Space and `\w` is letters, marks, decimal digits and connectors.
class Regex {
 public:
  /// Throws Error: corrupt (not a regular expression), unsupported (a construct with another meaning here).
  explicit Regex(std::string_view pattern, Case letters = Case::sensitive);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  /// All matches from left to right without overlap; empty matches included. Throws Error(limit) where the
  /// pattern needs more backtracking than is allowed.
  std::vector<Span> find_all(std::string_view text) const;

  bool contains(std::string_view text) const;

  /// `text` with every match replaced by the literal `content`.
  /// Throws Error(limit) as well where the result is far longer than the text.
  std::string replace_all(std::string_view text, std::string_view content) const;

 private:
  struct Compiled;
  std::unique_ptr<const Compiled> compiled_;
};

}  // namespace beeld
