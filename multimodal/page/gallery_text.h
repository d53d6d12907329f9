#pragma once

#include <string>
#include <string_view>

namespace beeld {

/// Any bytes as text for an HTML page, inside an element or a quoted attribute: what has a meaning in HTML is
/// escaped; bytes that are not UTF-8, and control characters, become U+FFFD.
std::string html_text(std::string_view bytes);

/// RFC 4648, with padding.
std::string base64(std::string_view bytes);

}  // namespace beeld
