#include "text/unicode/unicode.h"

#include <beeld/error.h>
#include <utf8proc.h>

#include <algorithm>
#include <vector>

#include "text/unicode/regex.h"
#include "text/unicode/utf8.h"

namespace beeld {

namespace {

utf8proc_category_t category(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

bool in_range(utf8proc_category_t value, utf8proc_category_t first, utf8proc_category_t last) {
  return value >= first && value <= last;
}

constexpr char32_t capital_i_with_dot = 0x130;
constexpr char32_t final_sigma = 0x3C2;
constexpr char32_t combining_dot_above = 0x307;

void append_lowercase(std::string& text, char32_t c) {
  if (c < 0x80) {
    text += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  } else if (c == capital_i_with_dot) {  // the one character whose lower case is two
    text += 'i';
    append_utf8(text, combining_dot_above);
  } else {
    append_utf8(text, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
  }
}

/// Canonical ordering (UAX 15, D109). utf8proc's own ordering takes quadratic time on long runs of marks.
void order_marks(std::vector<utf8proc_int32_t>& text) {
  const auto combining_class = [](utf8proc_int32_t c) { return utf8proc_get_property(c)->combining_class; };
  for (std::size_t i = 0; i < text.size();) {
    if (combining_class(text[i]) == 0) {
      ++i;
      continue;
    }
    auto end = i + 1;
    while (end < text.size() && combining_class(text[end]) != 0) ++end;
    if (end - i > 1) {
      std::stable_sort(text.begin() + static_cast<std::ptrdiff_t>(i),
                       text.begin() + static_cast<std::ptrdiff_t>(end),
                       [&](auto a, auto b) { return combining_class(a) < combining_class(b); });
    }
    i = end;
  }
}

}  // namespace

bool is_white_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13);
  return c == 0x85 || in_range(category(c), UTF8PROC_CATEGORY_ZS, UTF8PROC_CATEGORY_ZP);
}

bool is_python_space(char32_t c) { return is_white_space(c) || (c >= 0x1C && c <= 0x1F); }

bool is_letter(char32_t c) { return in_range(category(c), UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LO); }

bool is_mark(char32_t c) { return in_range(category(c), UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_ME); }

bool is_nonspacing_mark(char32_t c) { return category(c) == UTF8PROC_CATEGORY_MN; }

bool is_punctuation(char32_t c) { return in_range(category(c), UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO); }

bool is_connector(char32_t c) { return category(c) == UTF8PROC_CATEGORY_PC; }

bool is_bert_punctuation(char32_t c) {
  if (c < 0x80) {
    return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
  }
  return is_punctuation(c);
}

bool is_other(char32_t c) { return in_range(category(c), UTF8PROC_CATEGORY_CC, UTF8PROC_CATEGORY_CO); }

bool is_assigned(char32_t c) { return category(c) != UTF8PROC_CATEGORY_CN; }

bool is_numeric(char32_t c) { return in_range(category(c), UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO); }

bool is_decimal_digit(char32_t c) { return category(c) == UTF8PROC_CATEGORY_ND; }

char32_t simple_uppercase(char32_t c) {
  return static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c)));
}

std::string normalize(std::string_view text, NormalizationForm form) {
  if (is_ascii(text)) return std::string(text);
  const bool compatible = form == NormalizationForm::nfkc || form == NormalizationForm::nfkd;
  const bool composed = form == NormalizationForm::nfc || form == NormalizationForm::nfkc;
  const auto decompose = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE |
                                                        (compatible ? UTF8PROC_COMPAT : 0));
  std::vector<utf8proc_int32_t> code_points;
  code_points.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    constexpr int longest = 32;  // U+FDFA decomposes into 18
    utf8proc_int32_t parts[longest];
    const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(next_code_point(text, i)), parts,
                                               longest, decompose, nullptr);
    if (count < 0 || count > longest)
      throw Error(ErrorCode::invalid_argument, "[normalize] no decomposition");
    code_points.insert(code_points.end(), parts, parts + count);
  }
  order_marks(code_points);
  auto size = static_cast<utf8proc_ssize_t>(code_points.size());
  if (composed) {
    const auto compose = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    size = utf8proc_normalize_utf32(code_points.data(), size, compose);
  }
  std::string result;
  result.reserve(text.size());
  for (utf8proc_ssize_t i = 0; i < size; ++i) append_utf8(result, static_cast<char32_t>(code_points[i]));
  return result;
}

std::string lowercase(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) append_lowercase(result, next_code_point(text, i));
  return result;
}

std::string lowercase_in_context(std::string_view text) {
  if (text.find("\xCE\xA3") == std::string_view::npos) return lowercase(text);
  // Final_Sigma of the Unicode Standard, table 3-17.
  static const Regex final_position(
      R"((?!\p{Case_Ignorable})\p{Cased}\p{Case_Ignorable}*+\K\x{3A3}(?!\p{Case_Ignorable}*+\p{Cased}))");
  std::string result;
  result.reserve(text.size());
  std::size_t done = 0;
  for (const auto& match : final_position.find_all(text)) {
    result += lowercase(text.substr(done, match.begin - done));
    append_utf8(result, final_sigma);
    done = match.end;
  }
  return result += lowercase(text.substr(done));
}

std::string_view strip(std::string_view text, bool (*is_space)(char32_t), bool left, bool right) {
  while (left && !text.empty()) {
    std::size_t next = 0;
    if (!is_space(next_code_point(text, next))) break;
    text.remove_prefix(next);
  }
  while (right && !text.empty()) {
    auto last = text.size() - 1;
    while ((static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
    auto next = last;
    if (!is_space(next_code_point(text, next))) break;
    text.remove_suffix(text.size() - last);
  }
  return text;
}

std::string collapse_python_space(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  bool gap = false;
  for (std::size_t i = 0; i < text.size();) {
    const auto start = i;
    if (is_python_space(next_code_point(text, i))) {
      gap = !result.empty();
      continue;
    }
    if (gap) result += ' ';
    gap = false;
    result += text.substr(start, i - start);
  }
  return result;
}

}  // namespace beeld
