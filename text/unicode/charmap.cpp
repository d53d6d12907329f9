#include "text/unicode/charmap.h"

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace beeld {

namespace {

using UpperHalf = std::array<char16_t, 128>;

constexpr std::array<UpperHalf, 9> upper_halves = {{
#include "text/unicode/charmaps.inc"
}};

using Bytes = std::unordered_map<char32_t, std::uint8_t>;

const Bytes& bytes_of(Charmap::Name name) {
  static const auto tables = [] {
    std::vector<Bytes> result(upper_halves.size());
    for (std::size_t t = 0; t < upper_halves.size(); ++t) {
      for (std::size_t i = 0; i < 128; ++i) {
        result[t].emplace(upper_halves[t][i], static_cast<std::uint8_t>(0x80 + i));
      }
    }
    return result;
  }();
  return tables[static_cast<std::size_t>(name) - 1];
}

}  // namespace

std::span<const Charmap> Charmap::all() {
  static const std::array<Charmap, 10> charmaps = {{
      {Name::latin_1, Gaps::strict},
      {Name::windows_1252, Gaps::sloppy},
      {Name::windows_1251, Gaps::sloppy},
      {Name::windows_1250, Gaps::sloppy},
      {Name::windows_1253, Gaps::sloppy},
      {Name::windows_1254, Gaps::sloppy},
      {Name::windows_1257, Gaps::sloppy},
      {Name::iso_8859_2, Gaps::strict},
      {Name::mac_roman, Gaps::strict},
      {Name::cp437, Gaps::strict},
  }};
  return charmaps;
}

std::optional<std::string> Charmap::encode(std::u32string_view text) const {
  constexpr char32_t substitute = 0x1A;
  std::string bytes;
  bytes.reserve(text.size());
  for (char32_t c : text) {
    if (is_sloppy() && c == substitute) return std::nullopt;
    if (is_sloppy() && c == 0xFFFD) c = substitute;
    if (c >= 0x80 && name_ == Name::latin_1) {
      if (c > 0xFF) return std::nullopt;
    } else if (c >= 0x80) {
      const auto& table = bytes_of(name_);
      const auto it = table.find(c);
      if (it == table.end()) return std::nullopt;
      c = it->second;
    }
    bytes += static_cast<char>(c);
  }
  return bytes;
}

char32_t windows_1252_character(char32_t c1_control) { return upper_halves[0][c1_control - 0x80]; }

bool is_in_windows_1252(char32_t byte) {
  return byte < 0x80 || byte > 0x9F || upper_halves[0][byte - 0x80] != byte;
}

}  // namespace beeld
