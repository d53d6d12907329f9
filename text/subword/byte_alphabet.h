#pragma once

#include <array>
#include <string>
#include <string_view>

namespace beeld {

/// GPT-2's visible character for every byte, as UTF-8: printable Latin-1 characters stand for themselves, the
/// other 68 bytes become U+0100 to U+0143.
const std::array<std::string, 256>& byte_alphabet();

/// The bytes of `text` in that alphabet.
std::string to_byte_alphabet(std::string_view text);

/// The bytes in the order in which they head a vocabulary: those that stand for themselves come first.
std::array<unsigned char, 256> byte_alphabet_order();

}  // namespace beeld
