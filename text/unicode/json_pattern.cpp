#include "text/unicode/json_pattern.h"

#include <beeld/error.h>

#include <nlohmann/json.hpp>

namespace beeld {

Regex literal_pattern(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte >= 0x80 || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
    if (plain) {
      escaped += c;
    } else {
      constexpr char digits[] = "0123456789ABCDEF";
      escaped += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return Regex(escaped);
}

Regex read_pattern(const nlohmann::json& value, const std::string& origin) {
  if (value.is_object() && value.size() == 1) {
    const auto& kind = value.begin().key();
    const auto& text = value.begin().value();
    if (text.is_string() && kind == "Regex") return Regex(text.get_ref<const std::string&>());
    if (text.is_string() && kind == "String") return literal_pattern(text.get_ref<const std::string&>());
  }
  throw Error(ErrorCode::corrupt,
              "[tokenizer] " + origin + ": expected {\"String\": ...} or {\"Regex\": ...}");
}

}  // namespace beeld
