#include "text/unicode/charsmap.h"

#include <beeld/error.h>
#include <utf8proc.h>

#include <array>

#include "text/unicode/utf8.h"

namespace beeld {

namespace {

[[noreturn]] void corrupt(const std::string& origin, const std::string& what) {
  throw Error(ErrorCode::corrupt, "[charsmap] " + origin + ": " + what);
}

std::uint32_t read_u32(std::string_view bytes, std::size_t i) {
  std::uint32_t value = 0;
  for (std::size_t k = 0; k < 4; ++k) {
    value |= std::uint32_t{static_cast<unsigned char>(bytes[i + k])} << (8 * k);
  }
  return value;
}

// The fields of a unit of the double array.
bool is_value(std::uint32_t unit) { return unit >> 31 != 0; }
bool has_leaf(std::uint32_t unit) { return (unit >> 8 & 1) != 0; }
std::uint32_t value_of(std::uint32_t unit) { return unit & 0x7FFFFFFF; }
std::uint32_t label_of(std::uint32_t unit) { return unit & (0x80000000 | 0xFF); }
std::uint32_t offset_of(std::uint32_t unit) { return unit >> 10 << ((unit & 0x200) >> 6); }

std::size_t grapheme_end(std::string_view text, std::size_t start) {
  utf8proc_int32_t state = 0;
  auto end = start;
  auto previous = next_code_point(text, end);
  while (end < text.size()) {
    auto next = end;
    const auto current = next_code_point(text, next);
    if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(previous),
                                         static_cast<utf8proc_int32_t>(current), &state)) {
      break;
    }
    previous = current;
    end = next;
  }
  return end;
}

}  // namespace

Charsmap::Charsmap(std::string_view blob, const std::string& origin) {
  if (blob.size() < 4) corrupt(origin, "shorter than its header");
  const std::size_t size = read_u32(blob, 0);
  if (size % 4 != 0 || size > blob.size() - 4) {
    corrupt(origin, "a trie of " + std::to_string(size) + " bytes in " + std::to_string(blob.size()));
  }
  units_.reserve(size / 4);
  for (std::size_t i = 0; i < size; i += 4) units_.push_back(read_u32(blob, 4 + i));
  strings_ = blob.substr(4 + size);
  strings_ += '\0';
  for (std::size_t i = 0; i < units_.size(); ++i) {
    if (is_value(units_[i])) continue;
    const auto base = i ^ offset_of(units_[i]);
    if ((base | 0xFF) >= units_.size()) corrupt(origin, "unit " + std::to_string(i) + " leads outside");
    if (has_leaf(units_[i]) && value_of(units_[base]) >= strings_.size()) {
      corrupt(origin, "unit " + std::to_string(i) + " has no replacement");
    }
  }
}

const char* Charsmap::find(std::string_view text) const {
  if (units_.empty()) return nullptr;
  std::size_t node = offset_of(units_[0]);
  for (const char c : text) {
    const auto label = static_cast<unsigned char>(c);
    node ^= label;
    const auto unit = units_[node];
    if (label == 0 || label_of(unit) != label) return nullptr;
    node ^= offset_of(unit);
    if (has_leaf(unit)) return strings_.c_str() + value_of(units_[node]);
  }
  return nullptr;
}

std::string Charsmap::normalize(std::string_view text) const {
  constexpr std::size_t short_grapheme = 6;
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto end = grapheme_end(text, i);
    const auto* whole = end - i < short_grapheme ? find(text.substr(i, end - i)) : nullptr;
    if (whole) {
      result += whole;
      i = end;
      continue;
    }
    while (i < end) {
      const auto character = text.substr(i, sequence_length(text[i]));
      const auto* part = find(character);
      result += part ? std::string_view(part) : character;
      i += character.size();
    }
  }
  return result;
}

std::string decode_base64(std::string_view text, const std::string& origin) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  }
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string result;
  result.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const auto value = values[static_cast<unsigned char>(c)];
    if (value < 0) corrupt(origin, "not base64");
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      result += static_cast<char>(bits >> count & 0xFF);
    }
  }
  return result;
}

}  // namespace beeld
