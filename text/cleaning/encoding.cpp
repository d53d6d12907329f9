#include <algorithm>

#include "text/cleaning/fix_text.h"
#include "text/unicode/charmap.h"
#include "text/unicode/regex.h"
#include "text/unicode/utf8.h"

// Text that was UTF-8 and was read as a single-byte encoding, perhaps more than once, and perhaps with
// losses.

namespace beeld {

namespace {

// Characters that bytes of a UTF-8 sequence become in the encodings of Charmap but MacRoman and CP 437.
constexpr const char* lead_of_2 =
    R"(\x{C2}-\x{DF}\x{100}\x{102}\x{106}\x{10C}\x{10E}\x{110}\x{112}\x{116}\x{118}\x{11A}\x{11E})"
    R"(\x{122}\x{12A}\x{130}\x{136}\x{139}\x{13B}\x{141}\x{143}\x{145}\x{147}\x{14C}\x{150}\x{158})"
    R"(\x{15A}\x{15E}\x{160}\x{162}\x{16A}\x{16E}\x{170}\x{172}\x{179}\x{17B}\x{17D}\x{392}-\x{3A1})"
    R"(\x{3A3}-\x{3AF}\x{412}-\x{42F})";
constexpr const char* lead_of_3 =
    R"(\x{E0}-\x{EF}\x{101}\x{103}\x{105}\x{107}\x{10D}\x{10F}\x{113}\x{117}\x{119}\x{11B}\x{123})"
    R"(\x{12B}\x{12F}\x{137}\x{13A}\x{13C}\x{155}\x{17A}\x{3B0}-\x{3BF}\x{430}-\x{43F})";
constexpr const char* lead_of_4 = R"(\x{F0}\x{F3}\x{111}\x{11F}\x{161}\x{3C0}\x{3C3}\x{440}\x{443})";
constexpr const char* continuation =
    R"(\x{20}\x{80}-\x{BF}\x{C6}\x{D8}\x{E6}\x{F8}\x{104}\x{105}\x{13D}\x{13E}\x{141}\x{142}\x{152})"
    R"(\x{153}\x{156}\x{157}\x{15A}\x{15B}\x{15E}-\x{161}\x{164}\x{165}\x{178}-\x{17E}\x{192}\x{2C6})"
    R"(\x{2C7}\x{2D8}\x{2DB}-\x{2DD}\x{384}-\x{386}\x{388}-\x{38A}\x{38C}\x{38E}\x{38F}\x{401}-\x{40C})"
    R"(\x{40E}\x{40F}\x{451}-\x{45C}\x{45E}\x{45F}\x{490}\x{491}\x{2013}-\x{2015}\x{2018}-\x{201A})"
    R"(\x{201C}-\x{201E}\x{2020}-\x{2022}\x{2026}\x{2030}\x{2039}\x{203A}\x{20AC}\x{2116}\x{2122})";
constexpr const char* continuation_strict =
    R"(\x{80}-\x{BF}\x{C6}\x{D8}\x{E6}\x{F8}\x{104}\x{105}\x{13D}\x{13E}\x{141}\x{142}\x{152}\x{153})"
    R"(\x{156}\x{157}\x{15A}\x{15B}\x{15E}-\x{161}\x{164}\x{165}\x{178}-\x{17E}\x{192}\x{2C6}\x{2C7})"
    R"(\x{2D8}\x{2DB}-\x{2DD}\x{384}-\x{386}\x{388}-\x{38A}\x{38C}\x{38E}\x{38F}\x{401}-\x{40C}\x{40E})"
    R"(\x{40F}\x{451}-\x{45C}\x{45E}\x{45F}\x{490}\x{491}\x{2020}\x{2021}\x{2030}\x{2039}\x{203A})"
    R"(\x{20AC}\x{2116}\x{2122})";

/// Runs of what looks like UTF-8 sequences. Not behind a character that may be the rest of a longer one.
const Regex& misread_sequences() {
  static const Regex pattern([] {
    const auto any = [](const char* members) { return "[" + std::string(members) + "]"; };
    return "(?<!" + any(continuation_strict) + ")(?:" +   //
           any(lead_of_2) + any(continuation) + "|" +     //
           any(lead_of_3) + any(continuation) + "{2}|" +  //
           any(lead_of_4) + any(continuation) + "{3})++";
  }());
  return pattern;
}

unsigned at(std::string_view bytes, std::size_t i) {
  return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0x100u;
}

bool between(unsigned byte, unsigned low, unsigned high) { return byte >= low && byte <= high; }

bool is_continuation(unsigned byte) { return between(byte, 0x80, 0xBF); }

// A no-break space (0xA0) inside a sequence that some program made a plain space.

bool starts_with_any(std::string_view bytes, std::initializer_list<std::string_view> beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(), [&](auto b) { return bytes.starts_with(b); });
}

/// Bytes of the sequence at `i` that would be UTF-8 with its one space made 0xA0; 0 where there is none.
std::size_t spaced_sequence(std::string_view bytes, std::size_t i) {
  const unsigned lead = at(bytes, i);
  const unsigned second = at(bytes, i + 1);
  const unsigned third = at(bytes, i + 2);
  const unsigned fourth = at(bytes, i + 3);
  const auto likely = [](unsigned byte) { return is_continuation(byte) && byte != 0x85 && byte != 0xA0; };
  switch (lead) {
    case 0xC2:
    case 0xC3:
    case 0xC5:
    case 0xCE:
    case 0xD0:
    case 0xD9:
      return second == ' ' ? 2 : 0;
    case 0xE0:
    case 0xE1:
      return likely(second) && third == ' ' ? 3 : 0;
    case 0xE2:
    case 0xE3:
      return (second == ' ' && likely(third)) || (likely(second) && third == ' ') ? 3 : 0;
    case 0xF0: {
      const int spaces = (second == ' ') + (third == ' ') + (fourth == ' ');
      const int rest = is_continuation(second) + is_continuation(third) + is_continuation(fourth);
      return spaces == 1 && rest == 2 ? 4 : 0;
    }
    default:
      return 0;
  }
}

bool has_spaced_sequence(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (spaced_sequence(bytes, i) != 0) return true;
  }
  return false;
}

std::string restore_no_break_spaces(std::string_view bytes) {
  std::string words;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    words += bytes[i];
    // The letter a with grave as a word of its own keeps its space, but for Portuguese contractions.
    if (bytes.substr(i, 2) == "\xC3 " &&
        !starts_with_any(bytes.substr(i + 2), {" ", "quele", "quela", "quilo", "s "})) {
      words += "\xA0 ";
      ++i;
    }
  }
  std::string result;
  for (std::size_t i = 0; i < words.size();) {
    const auto length = std::max<std::size_t>(spaced_sequence(words, i), 1);
    auto sequence = words.substr(i, length);
    if (length > 1) std::replace(sequence.begin(), sequence.end(), ' ', '\xA0');
    result += sequence;
    i += length;
  }
  return result;
}

// Sequences some bytes of which were lost: 0x1A stands for U+FFFD, and one `?` may.

/// Bytes of the damaged sequence at `i`; 0 where there is none.
std::size_t lossy_sequence(std::string_view bytes, std::size_t i) {
  const auto lost = [&](std::size_t k) { return at(bytes, i + k) == 0x1A; };
  const auto gone = [&](std::size_t k) { return lost(k) || at(bytes, i + k) == '?'; };
  const auto kept = [&](std::size_t k) { return lost(k) || is_continuation(at(bytes, i + k)); };
  const unsigned lead = at(bytes, i);
  if (between(lead, 0xC2, 0xDF) && lost(1)) return 2;
  if (between(lead, 0xC2, 0xC3) && at(bytes, i + 1) == '?') return 2;
  if (lead == 0xED && between(at(bytes, i + 1), 0xA0, 0xAF) && at(bytes, i + 3) == 0xED &&
      between(at(bytes, i + 4), 0xB0, 0xBF)) {  // a surrogate pair
    const auto any = [&](std::size_t k) { return gone(k) || kept(k); };
    if ((gone(2) && any(5)) || (any(2) && gone(5))) return 6;
  }
  if (between(lead, 0xE0, 0xEF) && ((gone(1) && kept(2)) || (kept(1) && gone(2)))) return 3;
  if (between(lead, 0xF0, 0xF4) && ((gone(1) && kept(2) && kept(3)) || (kept(1) && gone(2) && kept(3)) ||
                                    (kept(1) && kept(2) && gone(3)))) {
    return 4;
  }
  return lost(0) ? 1 : 0;
}

std::string replace_lossy_sequences(std::string_view bytes) {
  std::string result;
  for (std::size_t i = 0; i < bytes.size();) {
    const auto length = lossy_sequence(bytes, i);
    result += length != 0 ? std::string_view("\xEF\xBF\xBD") : bytes.substr(i, 1);
    i += std::max<std::size_t>(length, 1);
  }
  return result;
}

/// UTF-8 with two liberties: C0 80 is U+0000 (Java), and a pair of three-byte surrogates is one character
/// (CESU-8). Nothing where `bytes` are neither.
std::optional<std::u32string> decode(std::string_view bytes) {
  std::string plain;
  plain.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size();) {
    const auto b = [&](std::size_t k) { return at(bytes, i + k); };
    if (b(0) == 0xC0 && b(1) == 0x80) {
      plain += '\0';
      i += 2;
    } else if (b(0) == 0xED && between(b(1), 0xA0, 0xAF) && is_continuation(b(2)) && b(3) == 0xED &&
               between(b(4), 0xB0, 0xBF) && is_continuation(b(5))) {
      append_utf8(plain, 0x10000 + ((b(1) & 0x0F) << 16) + ((b(2) & 0x3F) << 10) + ((b(4) & 0x0F) << 6) +
                             (b(5) & 0x3F));
      i += 6;
    } else {
      plain += bytes[i++];
    }
  }
  if (!is_valid_utf8(plain)) return std::nullopt;
  return to_utf32(plain);
}

constexpr int deepest = 8;

std::u32string fix(std::u32string text, int depth);

/// Repairs runs of misread sequences inside a text that as a whole cannot be repaired.
std::u32string fix_embedded(const std::u32string& text, const std::string& utf8, int depth) {
  std::u32string result;
  std::size_t done = 0;
  for (const auto& match : misread_sequences().find_all(utf8)) {
    const auto part = std::string_view(utf8).substr(match.begin, match.end - match.begin);
    if (part.size() == utf8.size() || depth >= deepest || !looks_misdecoded(part)) continue;
    result += to_utf32(std::string_view(utf8).substr(done, match.begin - done));
    result += fix(to_utf32(part), depth + 1);
    done = match.end;
  }
  if (done == 0) return text;
  return result += to_utf32(std::string_view(utf8).substr(done));
}

bool is_c1(char32_t c) { return c >= 0x80 && c <= 0x9F; }

std::u32string without_c1(std::u32string text) {
  for (char32_t& c : text) {
    if (is_c1(c)) c = windows_1252_character(c);
  }
  return text;
}

std::optional<std::u32string> decode_as(const Charmap& charmap, std::string bytes) {
  // In MacRoman the same bytes are a dash and a space.
  if (charmap.name() != Charmap::Name::mac_roman && has_spaced_sequence(bytes)) {
    bytes = restore_no_break_spaces(bytes);
  }
  if (charmap.is_sloppy()) bytes = replace_lossy_sequences(bytes);
  return decode(bytes);
}

std::u32string fix_step(const std::u32string& text, int depth) {
  const bool ascii = std::all_of(text.begin(), text.end(), [](char32_t c) { return c < 0x80; });
  if (ascii) return text;
  const std::string utf8 = to_utf8(text);
  if (!looks_misdecoded(utf8)) return text;
  for (const auto& charmap : Charmap::all()) {
    auto bytes = charmap.encode(text);
    if (!bytes) continue;
    if (auto fixed = decode_as(charmap, std::move(*bytes))) return *fixed;
  }
  auto fixed = fix_embedded(text, utf8, depth);
  return fixed != text ? fixed : without_c1(text);
}

std::u32string fix(std::u32string text, int depth) {
  while (true) {
    auto fixed = fix_step(text, depth);
    if (fixed == text) return text;
    text = std::move(fixed);
  }
}

}  // namespace

std::u32string fix_encoding(std::u32string text) { return fix(std::move(text), 0); }

}  // namespace beeld
