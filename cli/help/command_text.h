#pragma once

#include <string>
#include <vector>

namespace beeld::cli {

/// How many values follow an option's name.
enum class Values { none, optional, one, many };

/// An option or a positional argument, as help, man pages and completions show it.
struct OptionText {
  std::vector<std::string> names;  ///< "-k" and "--count"; of a positional argument the name alone: "DIR".
  std::string value;               ///< What stands for its value: "FILE". Empty for a flag.
  Values values = Values::none;
  std::vector<std::string> choices;  ///< All values that are accepted; empty: any.
  std::string help;                  ///< A sentence without full stop, its default included.
  bool required = false;
};

/// A command with all that it takes: the one description that every kind of help is made from.
struct CommandText {
  std::string name;   ///< As it is typed: "zero-shot".
  std::string usage;  ///< With the commands it belongs to: "beeld eval zero-shot".
  std::string group;  ///< The heading that it stands under; empty: it is shown nowhere.
  std::string description;
  std::string footer;  ///< Lines that begin with blanks are commands, to be left as they are.
  std::vector<OptionText> arguments;
  std::vector<OptionText> options;
  std::vector<CommandText> commands;
};

/// "--count N", "--preview[=KIND]", "--template TEXT...".
std::string with_value(const OptionText& option, const std::string& name);

/// "beeld search [OPTIONS] QUERY [DIR...]".
std::string usage_line(const CommandText& command);

}  // namespace beeld::cli
