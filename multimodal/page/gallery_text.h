#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace beeld {

/// Any bytes as text for an HTML page, inside an element or a quoted attribute: what has a meaning in HTML is
/// escaped; bytes that are not UTF-8, and control characters, become U+FFFD.
std::string html_text(std::string_view bytes);

/// The file:// address of a path, which is made absolute: safe inside a quoted attribute.
std::string file_address(const std::filesystem::path& path);

/// The folder of a file for people: from the current folder on where it lies below it, else in full; empty
/// for the current folder itself.
std::string shown_folder(const std::filesystem::path& file);

/// RFC 4648, with padding.
std::string base64(std::string_view bytes);

}  // namespace beeld
