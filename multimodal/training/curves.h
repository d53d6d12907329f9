#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace beeld {

/// The curves of a run as a page without scripts that needs no other file: the loss and its parts, learning
/// rate, gradient norm, logit scale and samples per second, and every evaluation, against the steps. `log` is
/// the content of the run's log.jsonl; lines that are no line of a log are left out and counted on the page.
/// `title` may be any bytes. Never throws for what is in the log.
std::string curves_page(std::string_view title, std::string_view log);

/// The same charts as one SVG picture.
std::string curves_picture(std::string_view title, std::string_view log);

/// Writes the picture where the file's name ends in .svg, and the page otherwise. Throws Error(io).
void write_curves(const std::filesystem::path& file, std::string_view title, std::string_view log);

}  // namespace beeld
