#include "text/cleaning/html.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_map>

#include "text/unicode/unicode.h"
#include "text/unicode/utf8.h"

namespace beeld {

namespace {

constexpr std::string_view table =
#include "text/cleaning/html_entities.inc"
    ;

constexpr std::size_t longest_bare_name = 6;

using Names = std::unordered_map<std::string_view, std::string>;

struct Entities {
  Names closed;  ///< with a semicolon, which the key leaves out
  Names bare;    ///< those that may lack it
};

std::string read_code_points(std::string_view hex) {
  std::string text;
  while (!hex.empty()) {
    std::uint32_t value = 0;
    const auto end = std::from_chars(hex.data(), hex.data() + hex.size(), value, 16).ptr;
    append_utf8(text, value);
    hex.remove_prefix(std::min<std::size_t>(static_cast<std::size_t>(end - hex.data()) + 1, hex.size()));
  }
  return text;
}

const Entities& entities() {
  static const Entities all = [] {
    Entities result;
    std::string_view rest = table;
    while (!rest.empty()) {
      const auto end = rest.find(' ');
      const auto entry = rest.substr(0, end);
      const auto mark = entry.find_first_of(".,");
      auto characters = read_code_points(entry.substr(mark + 1));
      if (entry[mark] == ',') result.bare.emplace(entry.substr(0, mark), characters);
      result.closed.emplace(entry.substr(0, mark), std::move(characters));
      rest.remove_prefix(end + 1);
    }
    return result;
  }();
  return all;
}

const std::string* find(const Names& names, std::string_view name) {
  const auto it = names.find(name);
  return it == names.end() ? nullptr : &it->second;
}

/// The longest name without a semicolon that `text` begins with; nullptr where none does.
const Names::value_type* bare_prefix(std::string_view text) {
  const auto& bare = entities().bare;
  for (auto length = std::min(text.size(), longest_bare_name); length >= 2; --length) {
    const auto it = bare.find(text.substr(0, length));
    if (it != bare.end()) return &*it;
  }
  return nullptr;
}

/// C1 controls stand for what Windows-1252 has in their place.
constexpr std::array<char16_t, 32> windows_1252 = {
    0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6,  0x2030, 0x160,
    0x2039, 0x152,  0x8D,   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};

bool is_noncharacter(char32_t c) { return (c >= 0xFDD0 && c <= 0xFDEF) || (c & 0xFFFE) == 0xFFFE; }

std::string numeric_reference(std::uint32_t value) {
  std::string text;
  if (value == 0 || (value >= 0xD800 && value <= 0xDFFF) || value > 0x10FFFF) {
    append_utf8(text, 0xFFFD);
  } else if (value >= 0x80 && value < 0xA0) {
    append_utf8(text, windows_1252[value - 0x80]);
  } else if ((value < 0x20 && value != '\t' && value != '\n' && value != '\f' && value != '\r') ||
             value == 0x7F || is_noncharacter(value)) {
    return text;
  } else {
    append_utf8(text, value);
  }
  return text;
}

/// Reads `#123;` or `#x7B;` at the start of `text` and adds its character; the bytes read, 0 where it is
/// none.
std::size_t read_numeric(std::string_view text, std::string& result) {
  const bool hex = text.size() > 1 && (text[1] == 'x' || text[1] == 'X');
  const std::size_t start = hex ? 2 : 1;
  std::size_t i = start;
  std::uint32_t value = 0;
  for (; i < text.size(); ++i) {
    std::uint32_t digit = 0;
    const char c = text[i];
    if (c >= '0' && c <= '9') {
      digit = static_cast<std::uint32_t>(c - '0');
    } else if (hex && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) {
      digit = static_cast<std::uint32_t>((c | 32) - 'a' + 10);
    } else {
      break;
    }
    value = std::min<std::uint32_t>(value * (hex ? 16 : 10) + digit, 0x110000);
  }
  if (i == start) return 0;
  result += numeric_reference(value);
  return i < text.size() && text[i] == ';' ? i + 1 : i;
}

/// Reads a name of at most 32 characters and its semicolon at the start of `text`, adds what it stands for;
/// the bytes read, 0 where there is no name.
std::size_t read_named(std::string_view text, std::string& result) {
  constexpr int longest = 32;
  std::size_t end = 0;
  for (int characters = 0; end < text.size() && characters < longest; ++characters) {
    if (std::string_view("\t\n\f <&#;").find(text[end]) != std::string_view::npos) break;
    end += sequence_length(text[end]);
  }
  if (end == 0) return 0;
  const auto name = text.substr(0, end);
  const bool closed = end < text.size() && text[end] == ';';
  if (const auto* exact = find(closed ? entities().closed : entities().bare, name)) {
    result += *exact;
    return end + (closed ? 1 : 0);
  }
  if (const auto* prefix = bare_prefix(name)) {
    result += prefix->second;
    return prefix->first.size();
  }
  return 0;
}

/// Upper case of the characters that lower-case names stand for; seven of them grow.
std::string uppercase(std::string_view characters) {
  std::string result;
  for (std::size_t i = 0; i < characters.size();) {
    const auto c = next_code_point(characters, i);
    switch (c) {
      case 0xDF:
        result += "SS";
        break;
      case 0x149:
        result += "\xCA\xBCN";
        break;
      case 0xFB00:
        result += "FF";
        break;
      case 0xFB01:
        result += "FI";
        break;
      case 0xFB02:
        result += "FL";
        break;
      case 0xFB03:
        result += "FFI";
        break;
      case 0xFB04:
        result += "FFL";
        break;
      default:
        append_utf8(result, simple_uppercase(c));
    }
  }
  return result;
}

}  // namespace

std::string unescape_html(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto ampersand = text.find('&', i);
    result += text.substr(i, ampersand - i);
    if (ampersand == std::string_view::npos) break;
    const auto rest = text.substr(ampersand + 1);
    const auto read = rest.substr(0, 1) == "#" ? read_numeric(rest, result) : read_named(rest, result);
    if (read == 0) result += '&';
    i = ampersand + 1 + read;
  }
  return result;
}

std::optional<std::string> html_entity(std::string_view name) {
  if (name.empty() || name.back() != ';') return std::nullopt;
  name.remove_suffix(1);
  if (const auto* exact = find(entities().closed, name)) return *exact;
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'a' && c <= 'z') return std::nullopt;
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  const auto* characters = find(entities().closed, lower);
  if (!characters || bare_prefix(name)) return std::nullopt;
  return uppercase(*characters);
}

}  // namespace beeld
