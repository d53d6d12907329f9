#pragma once

#include <beeld/index.h>

#include <string>

#include "cli/terminal/command_line.h"

namespace beeld::cli {

/// --since, --until, --near, --path-contains and --only-damaged.
void add_filter_options(Command& command, PictureFilter& filter);

/// A camera's local time as 2023-06-01T12:30:00.
std::string time_text(std::int64_t taken);

}  // namespace beeld::cli
