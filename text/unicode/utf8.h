#pragma once

#include <string>
#include <string_view>

namespace beeld {

/// U+FFFD, which stands for bytes that are no character.
inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

/// Valid UTF-8 from any bytes: every maximal part of an ill-formed sequence becomes one U+FFFD (The Unicode
/// Standard, section 3.9), as Python's `bytes.decode("utf-8", "replace")` does.
std::string valid_utf8(std::string_view bytes);

/// Whether `bytes` are valid UTF-8: no surrogates, no overlong forms, nothing above U+10FFFF.
bool is_valid_utf8(std::string_view bytes);

/// Bytes at the end that may be the beginning of a character: 0 to 3.
std::size_t incomplete_tail(std::string_view bytes);

bool is_ascii(std::string_view text);

/// The code point at `position` of valid UTF-8; moves `position` behind it.
char32_t next_code_point(std::string_view text, std::size_t& position);

/// Bytes of the sequence that starts with `lead` in valid UTF-8.
inline std::size_t sequence_length(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

/// Number of code points in valid UTF-8.
std::size_t count_code_points(std::string_view text);

void append_utf8(std::string& text, char32_t code_point);

std::u32string to_utf32(std::string_view text);
std::string to_utf8(std::u32string_view text);

}  // namespace beeld
