#include "text/subword/byte_alphabet.h"

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
