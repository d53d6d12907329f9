#pragma once

#include <cstddef>
#include <string>

#include "cli/help/command_text.h"

namespace beeld::cli {

/// The columns of the terminal that stdout is: $COLUMNS, or what the terminal says, within 40 to 120; 80
/// where there is none.
std::size_t terminal_width();

/// What `--help` shows of a command: no line is wider, but for commands to copy and words that are too long.
std::string help_text(const CommandText& command, std::size_t width);

/// The lines of prose joined to paragraphs, where a line that ends in a full stop or a colon ends one. Lines
/// that begin with blanks stay, each a paragraph of its own.
std::vector<std::string> paragraphs_of(const std::string& text);

}  // namespace beeld::cli
