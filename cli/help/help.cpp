#include "cli/help/help.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

namespace beeld::cli {

namespace {

constexpr std::size_t help_column = 30;

/// Appends words at `column`, each line after the first indented as far.
void append_wrapped(std::string& text, const std::string& words, std::size_t column, std::size_t width) {
  std::istringstream stream(words);
  std::size_t at = column;
  for (std::string word; stream >> word;) {
    const bool first = at == column;
    if (!first && at + 1 + word.size() > width) {
      text += "\n" + std::string(column, ' ');
      at = column;
    } else if (!first) {
      text += ' ';
      ++at;
    }
    text += word;
    at += word.size();
  }
  text += '\n';
}

/// A name on the left and what it means on the right; below each other where the terminal is narrow.
std::string row(const std::string& name, const std::string& meaning, std::size_t width) {
  const std::size_t column = width >= 2 * help_column ? help_column : 6;
  std::string text = "  " + name;
  if (meaning.empty()) return text + "\n";
  if (text.size() + 1 >= column)
    text += "\n" + std::string(column, ' ');
  else
    text += std::string(column - text.size(), ' ');
  append_wrapped(text, meaning, column, width);
  return text;
}

std::string title_of(const OptionText& option) {
  std::string names;
  for (const auto& name : option.names) names += (names.empty() ? "" : ", ") + name;
  return with_value(option, names);
}

std::string section(const std::string& heading, const std::vector<OptionText>& options, std::size_t width) {
  if (options.empty()) return "";
  std::string text = "\n" + heading + ":\n";
  for (const auto& option : options) {
    const bool positional = option.names.front().front() != '-';
    text += row(title_of(option), option.help + (option.required && !positional ? " (required)" : ""), width);
  }
  return text;
}

std::string command_list(const CommandText& command, std::size_t width) {
  std::string text, group;
  for (const auto& inner : command.commands) {
    if (inner.group.empty()) continue;
    if (inner.group != group) text += "\n" + inner.group + ":\n";
    group = inner.group;
    text += row(inner.name, inner.description, width);
  }
  return text;
}

}  // namespace

std::string with_value(const OptionText& option, const std::string& name) {
  switch (option.values) {
    case Values::none:
      return name;
    case Values::optional:
      return name + "[=" + option.value + "]";
    case Values::one:
      return option.value.empty() ? name : name + " " + option.value;
    case Values::many:
      return option.value.empty() ? name + "..."
                                  : name + " " + option.value + (option.value.ends_with("...") ? "" : "...");
  }
  return name;
}

std::string usage_line(const CommandText& command) {
  std::string line = command.usage + " [OPTIONS]";
  for (const auto& argument : command.arguments) {
    const auto name = with_value(argument, argument.names.front());
    line += argument.required ? " " + name : " [" + name + "]";
  }
  return command.commands.empty() ? line : line + " COMMAND";
}

std::size_t terminal_width() {
  constexpr std::size_t narrowest = 40, widest = 120, usual = 80;
  std::size_t width = 0;
  if (const char* columns = std::getenv("COLUMNS")) width = std::strtoul(columns, nullptr, 10);
  winsize size{};
  if (width == 0 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) width = size.ws_col;
  return width == 0 ? usual : std::clamp(width, narrowest, widest);
}

std::vector<std::string> paragraphs_of(const std::string& text) {
  std::vector<std::string> paragraphs;
  std::istringstream stream(text);
  bool open = false;
  for (std::string line; std::getline(stream, line);) {
    const bool prose = !line.empty() && line.front() != ' ';
    if (open && prose)
      paragraphs.back() += " " + line;
    else
      paragraphs.push_back(line);
    open = prose && !line.ends_with('.') && !line.ends_with(':');
  }
  return paragraphs;
}

std::string help_text(const CommandText& command, std::size_t width) {
  std::string text;
  append_wrapped(text, command.description, 0, width);
  text += "Usage: ";
  append_wrapped(text, usage_line(command), 7, width);
  text += section("Arguments", command.arguments, width);
  text += section("Options", command.options, width);
  text += command_list(command, width);
  if (!command.footer.empty()) text += "\n";
  for (const auto& paragraph : paragraphs_of(command.footer)) {
    if (paragraph.starts_with(' '))
      text += paragraph + "\n";
    else
      append_wrapped(text, paragraph, 0, width);
  }
  return text;
}

}  // namespace beeld::cli
