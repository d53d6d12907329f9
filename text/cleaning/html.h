#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace beeld {

/// Python's html.unescape(): named and numeric character references of valid UTF-8, also those without a
/// closing semicolon, by the rules of HTML 5.
std::string unescape_html(std::string_view text);

/// What `name` (with its semicolon, without the ampersand) stands for: the names of HTML 5, and, where that
/// is not ambiguous, their upper-case spellings (`NTILDE;`) in upper case.
std::optional<std::string> html_entity(std::string_view name);

}  // namespace beeld
