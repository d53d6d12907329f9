#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "cli/help/command_text.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace beeld::cli {

// The part of CLI11 that commands use, under its names. CLI11 itself, whose templates take a compiler longer
// than a command's own code does, is compiled with command_line.cpp alone.

/// What an option's text must be.
struct Check {
  std::function<std::string(const std::string&)> complaint;  ///< Of a text; empty: accepted.
  std::vector<std::string> words = {};                       ///< All that is accepted; empty: not a list.
};

/// Accepts numbers in [low, high]; says so otherwise, and adds nothing to the help.
Check between(double low, double high);

/// Accepts these words, which help and completions show.
Check one_of(std::initializer_list<const char*> words);

/// One option, flag or positional argument of a command, which owns it.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(option) {}

  /// What stands for the value in the help; empty: nothing.
  Option* type_name(const std::string& name);
  Option* required();
  Option* check(Check check);
  Option* needs(Option* other);
  Option* excludes(Option* other);

  /// How many values it takes each time it is given.
  Option* expected(int count);

  /// Splits one text into several values.
  Option* delimiter(char mark);

  /// Shows the default in the help.
  Option* capture_default_str();

  OptionText describe() const;

  /// Whether both are the same option.
  bool is(const CLI::Option& option) const { return &option_ == &option; }

 private:
  CLI::Option& option_;
  std::vector<std::string> words_;
};

/// Arguments that are not understood. Its text is for people.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A command, or the program whose commands they are.
class Command {
 public:
  /// The program: one of its commands must be given. Its own options are accepted after a command's name,
  /// too.
  Command(const std::string& description, const std::string& name);
  Command(std::shared_ptr<CLI::App> app);
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  /// The heading in the help of commands that are added from now on.
  void begin_group(const std::string& heading) { group_ = heading; }

  Command* add_subcommand(const std::string& name, const std::string& description);

  /// An option ("-k,--count") or a positional argument ("DIR") whose value goes to `value` where it is given.
  /// Defined for std::string, float, double, int, std::size_t, and std::vector<std::size_t>.
  template <typename Value>
  Option* add_option(const std::string& names, Value& value, const std::string& help);

  /// A list of strings taken byte for byte, as many each time the option is given as follow it. (A
  /// std::vector bound to CLI11 would read "[a,b]" and "{}" as lists.)
  Option* add_list(const std::string& names, std::vector<std::string>& values, const std::string& help);

  /// An option whose text goes to `take`.
  Option* add_option_function(const std::string& names, std::function<void(const std::string&)> take,
                              const std::string& help);

  /// An option whose value is a number of bytes in [low, high], such as 512M, and goes to `take`.
  struct Size {
    std::function<void(std::uint64_t)> take;
    std::uint64_t low = 0, high = 0;
  };
  Option* add_size(const std::string& names, Size size, const std::string& help);

  Option* add_flag(const std::string& names, bool& value, const std::string& help);
  /// A flag that may carry a word, as in --preview or --preview=kitty: `value` becomes the word, or "true".
  Option* add_flag_with_word(const std::string& names, std::string& value, const std::string& help);
  Option* add_flag_callback(const std::string& names, std::function<void()> call, const std::string& help);
  void add_version_flag(const std::string& name, const std::string& version, const std::string& help);

  /// An option that was added before.
  Option* get_option(const std::string& name);

  /// What is called once this command is chosen.
  void callback(std::function<void()> call);

  /// At least so many of its commands must be given.
  void require_subcommand(int count);

  /// Text at the end of the help.
  void footer(const std::string& text);

  std::string help() const;

  /// All that help, man pages and completions are made from.
  CommandText describe() const;

  /// Reads the program's arguments and calls the command that is chosen. "help COMMAND" is COMMAND --help,
  /// and what begins with a minus but cannot be an option's name, such as -"a dog", is an argument. False
  /// where help or the version was asked for, and has been written to stdout. Throws UsageError, with a
  /// suggestion where a name is unknown.
  bool parse(int argc, char** argv);

 private:
  Option* keep(CLI::Option* option);
  const Command* chosen() const;
  std::string complaint(const std::string& reason) const;

  std::shared_ptr<CLI::App> app_;
  std::string group_ = "Subcommands";
  std::deque<Command> commands_;
  std::deque<Option> options_;
};

}  // namespace beeld::cli
