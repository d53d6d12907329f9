#include "text/cleaning/fix_text.h"

#include <algorithm>

#include "text/cleaning/html.h"
#include "text/unicode/charmap.h"
#include "text/unicode/unicode.h"
#include "text/unicode/utf8.h"

namespace beeld {

namespace {

constexpr std::size_t longest_segment = 1'000'000;  // code points

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/// What a reference `&...;` stands for, if it is one that must have been meant.
std::optional<std::string> closed_reference(std::string_view reference) {
  const auto body = reference.substr(1);
  if (!body.starts_with('#')) return html_entity(body);
  auto character = unescape_html(reference);
  if (character.find(';') != std::string::npos) return std::nullopt;
  return character;
}

/// Replaces references that end in a semicolon; names in capitals too.
std::string unescape_closed(const std::string& text) {
  constexpr std::size_t longest_name = 24;
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    auto end = i + 1;
    if (text[i] == '&') {
      if (end < text.size() && text[end] == '#') ++end;
      const auto name = end;
      while (end < text.size() && end - name < longest_name && is_alphanumeric(text[end])) ++end;
      if (end > name && end < text.size() && text[end] == ';') {
        if (const auto character = closed_reference(std::string_view(text).substr(i, end + 1 - i))) {
          result += *character;
          i = end + 1;
          continue;
        }
      }
    }
    result += text[i++];
  }
  return result;
}

/// The letters of a Latin ligature or digraph; nullptr for other characters.
const char32_t* ligature(char32_t c) {
  switch (c) {
    case 0x132:
      return U"IJ";
    case 0x133:
      return U"ij";
    case 0x149:
      return U"\u02BCn";
    case 0x1C4:
      return U"D\u017D";
    case 0x1C5:
      return U"D\u017E";
    case 0x1C6:
      return U"d\u017E";
    case 0x1C7:
      return U"LJ";
    case 0x1C8:
      return U"Lj";
    case 0x1C9:
      return U"lj";
    case 0x1CA:
      return U"NJ";
    case 0x1CB:
      return U"Nj";
    case 0x1CC:
      return U"nj";
    case 0x1F1:
      return U"DZ";
    case 0x1F2:
      return U"Dz";
    case 0x1F3:
      return U"dz";
    case 0xFB00:
      return U"ff";
    case 0xFB01:
      return U"fi";
    case 0xFB02:
      return U"fl";
    case 0xFB03:
      return U"ffi";
    case 0xFB04:
      return U"ffl";
    case 0xFB05:
      return U"\u017Ft";
    case 0xFB06:
      return U"st";
    default:
      return nullptr;
  }
}

/// Half-width and full-width forms in their ordinary width.
void append_ordinary_width(std::u32string& text, char32_t c) {
  if (c == 0x3000) {
    text += U' ';
  } else if (c >= 0xFF01 && c <= 0xFFEF) {
    std::string form;
    append_utf8(form, c);
    text += to_utf32(normalize(form, NormalizationForm::nfkc));
  } else {
    text += c;
  }
}

char32_t straight_quote(char32_t c) {
  if (c == 0x2BC || (c >= 0x2018 && c <= 0x201B)) return U'\'';
  return c >= 0x201C && c <= 0x201F ? U'"' : c;
}

std::u32string fix_characters(const std::u32string& text) {
  std::u32string wide;
  wide.reserve(text.size());
  for (char32_t c : text) {
    if (c >= 0x80 && c <= 0x9F) c = windows_1252_character(c);
    if (const auto* letters = ligature(c)) {
      wide += letters;
    } else {
      append_ordinary_width(wide, c);
    }
  }
  std::u32string result;
  result.reserve(wide.size());
  for (std::size_t i = 0; i < wide.size(); ++i) {
    const char32_t c = straight_quote(wide[i]);
    const bool is_break = c == '\r' || c == 0x2028 || c == 0x2029 || c == 0x85;
    if (c == '\r' && i + 1 < wide.size() && wide[i + 1] == '\n') continue;
    result += is_break ? U'\n' : c;
  }
  return result;
}

/// Bytes of the terminal escape sequence (ESC [ digits letter) at `i`; 0 where there is none.
std::size_t terminal_escape(std::u32string_view text, std::size_t i) {
  if (text[i] != 0x1B || i + 1 >= text.size() || text[i + 1] != '[') return 0;
  auto end = i + 2;
  while (end < text.size() && (text[end] == ';' || is_decimal_digit(text[end]))) ++end;
  if (end == text.size() || text[end] > 'z') return 0;
  const char32_t letter = text[end] | 32;
  return letter >= 'a' && letter <= 'z' && text[end] >= 'A' ? end + 1 - i : 0;
}

bool is_removed_control(char32_t c) {
  return c <= 0x08 || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || (c >= 0x206A && c <= 0x206F) ||
         c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFC);
}

std::u32string remove_controls(const std::u32string& text) {
  std::u32string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    if (const auto length = terminal_escape(text, i)) {
      i += length;
      continue;
    }
    if (!is_removed_control(text[i])) result += text[i];
    ++i;
  }
  return result;
}

enum class Entities { decode, keep };

std::string fix_segment(std::string text, Entities entities) {
  while (true) {
    const std::string before = text;
    if (entities == Entities::decode) text = unescape_closed(text);
    auto characters = fix_encoding(to_utf32(text));
    characters = remove_controls(fix_characters(characters));
    text = normalize(to_utf8(characters), NormalizationForm::nfc);
    if (text == before) return text;
  }
}

/// Bytes up to the end of the line, or of the longest segment.
std::size_t segment_length(std::string_view text) {
  const auto line = std::min(text.find('\n'), text.size() - 1) + 1;
  if (line <= longest_segment) return line;
  std::size_t end = 0;
  for (std::size_t count = 0; count < longest_segment && end < line; ++count) {
    end += sequence_length(text[end]);
  }
  return end;
}

}  // namespace

std::string fix_text(std::string_view text) {
  std::string result;
  auto entities = Entities::decode;
  while (!text.empty()) {
    const auto segment = text.substr(0, segment_length(text));
    if (segment.find('<') != std::string_view::npos) entities = Entities::keep;  // from here on: this is HTML
    result += fix_segment(std::string(segment), entities);
    text.remove_prefix(segment.size());
  }
  return result;
}

}  // namespace beeld
