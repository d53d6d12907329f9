#pragma once

#include <string>
#include <string_view>

namespace beeld {

/// The start of a text from a file, fit for a message: ASCII without control characters and spaces, not long.
std::string excerpt(std::string_view text);

bool is_utf8(std::string_view text);

/// The text of a file: its content without the byte order mark that some editors put before UTF-8. Throws
/// Error(unsupported) where the mark says UTF-16 or UTF-32; `name` appears in the message.
std::string_view without_byte_order_mark(std::string_view content, const std::string& name);

}  // namespace beeld
