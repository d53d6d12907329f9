#pragma once

#include <beeld/index.h>

#include <string>
#include <vector>

#include "cli/terminal/command_line.h"
#include "cli/terminal/output.h"

namespace beeld::cli {

/// How the answers of a search are printed.
struct MatchOptions {
  bool paths = false;   ///< Paths alone, byte for byte.
  bool zeros = false;   ///< The same, each ended by a zero byte.
  std::string preview;  ///< Empty: none; "true": as the terminal takes it; else the kind.
};

/// Adds --paths, -0 and --preview.
void add_match_options(Command& command, MatchOptions& options);

/// Prints answers in their order, as JSON where that is asked for.
void print_matches(Output& output, const std::vector<Match>& matches, const MatchOptions& options);

}  // namespace beeld::cli
