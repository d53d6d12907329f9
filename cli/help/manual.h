#pragma once

#include <string>

#include "cli/help/command_text.h"

namespace beeld::cli {

/// The man page of a command of `program`, or of the program itself, in the man macros of troff. `version` is
/// "beeld 0.1.0", say.
std::string manual_page(const CommandText& program, const CommandText& command, const std::string& version);

/// The name of the page: "beeld-eval-zero-shot".
std::string page_name(const CommandText& command);

}  // namespace beeld::cli
