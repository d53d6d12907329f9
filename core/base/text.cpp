#include "core/base/text.h"

#include <beeld/error.h>

#include <cstdint>

namespace beeld {

std::string excerpt(std::string_view text) {
  constexpr std::size_t max_shown = 80;
  std::string result;
  for (const char letter : text.substr(0, max_shown)) {
    const bool plain = letter > ' ' && letter < 0x7f;
    result += plain ? letter : '?';
  }
  return text.size() > max_shown ? result + "..." : result;
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<std::uint8_t>(text[i]);
    const std::size_t length = first < 0x80       ? 1
                               : first >> 5 == 6  ? 2
                               : first >> 4 == 14 ? 3
                               : first >> 3 == 30 ? 4
                                                  : 0;
    if (length == 0 || length > text.size() - i) return false;
    std::uint32_t code = length == 1 ? first : first & (0xffU >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<std::uint8_t>(text[i + k]);
      if (next >> 6 != 2) return false;
      code = code << 6 | (next & 0x3fU);
    }
    constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
    i += length;
  }
  return true;
}

std::string_view without_byte_order_mark(std::string_view content, const std::string& name) {
  constexpr std::string_view utf8 = "\xEF\xBB\xBF";
  if (content.starts_with(utf8)) return content.substr(utf8.size());
  const bool wide = content.starts_with("\xFF\xFE") || content.starts_with("\xFE\xFF") ||
                    content.starts_with(std::string_view("\0\0\xFE\xFF", 4));
  if (wide) throw Error(ErrorCode::unsupported, "[text] " + name + ": UTF-16 or UTF-32, expected UTF-8");
  return content;
}

}  // namespace beeld
