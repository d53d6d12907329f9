#pragma once

#include <string>
#include <string_view>

namespace beeld {

/// The start of a text from a file, fit for a message: ASCII without control characters and spaces, not long.
std::string excerpt(std::string_view text);

bool is_utf8(std::string_view text);

}  // namespace beeld
