#include "text/subword/byte_alphabet.h"

#include <charconv>

#include "text/unicode/utf8.h"

namespace beeld {

namespace {

bool stands_for_itself(unsigned byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

}  // namespace

const std::array<std::string, 256>& byte_alphabet() {
  static const auto alphabet = [] {
    std::array<std::string, 256> result;
    char32_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
      append_utf8(result[byte], stands_for_itself(byte) ? byte : next++);
    }
    return result;
  }();
  return alphabet;
}

std::string to_byte_alphabet(std::string_view text) {
  const auto& alphabet = byte_alphabet();
  std::string result;
  result.reserve(text.size() + text.size() / 4);
  for (const char c : text) result += alphabet[static_cast<unsigned char>(c)];
  return result;
}

bool append_alphabet_bytes(std::string_view text, std::string& bytes) {
  static constexpr short none = -1;
  static const auto byte_of = [] {
    std::array<short, 0x144> result;
    result.fill(none);
    for (unsigned byte = 0; byte < 256; ++byte) {
      std::size_t position = 0;
      result[next_code_point(byte_alphabet()[byte], position)] = static_cast<short>(byte);
    }
    return result;
  }();
  const auto size = bytes.size();
  for (std::size_t i = 0; i < text.size();) {
    const auto c = next_code_point(text, i);
    if (c >= byte_of.size() || byte_of[c] == none) {
      bytes.resize(size);
      return false;
    }
    bytes += static_cast<char>(byte_of[c]);
  }
  return true;
}

std::string byte_piece(unsigned char byte) {
  constexpr char digits[] = "0123456789ABCDEF";
  return {'<', '0', 'x', digits[byte >> 4], digits[byte & 15], '>'};
}

std::optional<unsigned char> byte_of_piece(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || !piece.ends_with('>')) return std::nullopt;
  unsigned char byte = 0;
  const auto* const digits = piece.data() + 3;
  const auto [end, error] = std::from_chars(digits, digits + 2, byte, 16);
  if (error != std::errc() || end != digits + 2) return std::nullopt;
  return byte;
}

std::array<unsigned char, 256> byte_alphabet_order() {
  std::array<unsigned char, 256> order{};
  std::size_t next = 0;
  for (const bool itself : {true, false}) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      if (stands_for_itself(byte) == itself) order[next++] = static_cast<unsigned char>(byte);
    }
  }
  return order;
}

}  // namespace beeld
