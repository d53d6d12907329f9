#pragma once

#include <string>

#include "cli/help/command_text.h"

namespace beeld::cli {

// What a shell reads to complete the program's commands, options and their values.

std::string bash_completion(const CommandText& program);
std::string zsh_completion(const CommandText& program);
std::string fish_completion(const CommandText& program);

}  // namespace beeld::cli
