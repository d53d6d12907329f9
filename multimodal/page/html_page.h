#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace beeld {

/// What pages differ in.
struct HtmlPage {
  std::string title;  ///< as HTML
  std::string style;  ///< CSS of its own, which may use the variables of the common one
  std::string body;   ///< as HTML
};

/// A page without scripts that needs no other file, in light and in dark. A header has a heading and, in a
/// span, what is said about it.
std::string html_page(const HtmlPage& page);

/// Throws Error(io) where the file cannot be written.
void write_page(const std::filesystem::path& file, std::string_view content);

}  // namespace beeld
