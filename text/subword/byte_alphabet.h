#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace beeld {

/// GPT-2's visible character for every byte, as UTF-8: printable Latin-1 characters stand for themselves, the
/// other 68 bytes become U+0100 to U+0143.
const std::array<std::string, 256>& byte_alphabet();

/// The bytes of `text` in that alphabet.
std::string to_byte_alphabet(std::string_view text);

/// Appends the bytes that `text` stands for; false, and nothing appended, where it has a character that is
/// not in the alphabet.
bool append_alphabet_bytes(std::string_view text, std::string& bytes);

/// A byte as a piece of its own, where characters that a vocabulary lacks fall back to bytes: `<0xE2>`.
std::string byte_piece(unsigned char byte);

/// The byte that such a piece stands for.
std::optional<unsigned char> byte_of_piece(std::string_view piece);

/// The bytes in the order in which they head a vocabulary: those that stand for themselves come first.
std::array<unsigned char, 256> byte_alphabet_order();

}  // namespace beeld
