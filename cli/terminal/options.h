#pragma once

#include <beeld/image.h>

#include <filesystem>
#include <string>
#include <vector>

#include "cli/terminal/command_line.h"

namespace beeld::cli {

/// The largest count that any option accepts.
inline constexpr double max_count = 1e9;

/// --template and --templates.
struct PromptOptions {
  std::vector<std::string> templates;
  std::string file;
};

void add_prompt_options(Command& command, PromptOptions& options);

/// The templates of both options, in this order: empty where neither was given.
std::vector<std::string> prompt_templates(const PromptOptions& options);

/// --no-exif, --fast, --icc, --on-white, --refuse-damaged, --max-pixels and --max-memory.
void add_decode_options(Command& command, DecodeOptions& options);

/// Where the value of an option goes that is a cosine.
struct Cosine {
  float& value;
  double largest = 1;  ///< What is accepted lies between this and its negative.
};

/// An option whose value is a cosine, as a number or in percent: 0.3 or 30%.
Option* add_cosine(Command& command, const std::string& names, Cosine cosine, const std::string& help);

/// The lines of a text file without those that are empty; a carriage return at the end is
/// dropped, and so is a byte order mark. A pipe that nobody writes to is an Error(io) after some seconds.
std::vector<std::string> read_lines(const std::filesystem::path& file);

/// The strings of a JSON file that holds one list of them. Throws Error(corrupt) for anything else.
std::vector<std::string> read_string_list(const std::filesystem::path& file);

/// Text under an "Examples:" heading at the end of a command's help, and a pointer to the global options.
void add_examples(Command& command, const std::string& examples);

}  // namespace beeld::cli
