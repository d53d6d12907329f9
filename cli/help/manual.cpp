#include "cli/help/manual.h"

#include <algorithm>

#include "cli/help/help.h"

namespace beeld::cli {

namespace {

/// Text that troff shows as it is, on one line.
std::string literal(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\')
      result += "\\e";
    else if (c == '-')
      result += "\\-";
    else if (c == '\n')
      result += ' ';
    else
      result += c;
  }
  // A line that begins with one of these would be a request.
  if (result.starts_with('.') || result.starts_with('\'')) result.insert(0, "\\&");
  return result;
}

std::string heading(const std::string& name) { return ".SH " + name + "\n"; }

std::string bold(const std::string& text) { return "\\fB" + literal(text) + "\\fR"; }

std::string title(const OptionText& option) {
  std::string names;
  for (const auto& name : option.names) names += (names.empty() ? "" : ", ") + bold(name);
  const auto value = with_value(option, "");
  return value.empty() ? names : names + "\\fI" + literal(value) + "\\fR";
}

std::string list(const std::string& name, const std::vector<OptionText>& options) {
  if (options.empty()) return "";
  std::string text = heading(name);
  for (const auto& option : options)
    text +=
        ".TP\n" + title(option) + "\n" + literal(option.help) + (option.required ? " (required)" : "") + "\n";
  return text;
}

std::string commands_of(const CommandText& command) {
  std::string text;
  for (const auto& inner : command.commands) {
    if (inner.group.empty()) continue;
    if (text.empty()) text = heading("COMMANDS");
    text += ".TP\n\\fB" + literal(page_name(inner)) + "\\fR(1)\n" + literal(inner.description) + "\n";
  }
  return text;
}

/// Commands to copy as they are, prose filled.
std::string notes(const std::string& footer) {
  std::string text;
  bool example = false;
  for (const auto& paragraph : paragraphs_of(footer)) {
    const bool is_example = paragraph.starts_with(' ');
    if (is_example != example) text += is_example ? ".PP\n.nf\n" : ".fi\n";
    if (!is_example) text += ".PP\n";
    text +=
        literal(is_example ? "    " + paragraph.substr(paragraph.find_first_not_of(' ')) : paragraph) + "\n";
    example = is_example;
  }
  return text + (example ? ".fi\n" : "");
}

}  // namespace

std::string page_name(const CommandText& command) {
  auto name = command.usage;
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

std::string manual_page(const CommandText& program, const CommandText& command, const std::string& version) {
  auto name = page_name(command);
  std::string upper = name;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  std::string page = ".TH \"" + literal(upper) + "\" 1 \"\" \"" + literal(version) + "\" \"beeld\"\n";
  page += heading("NAME") + literal(name) + " \\- " + literal(command.description) + "\n";
  page += heading("SYNOPSIS") + bold(usage_line(command)) + "\n";
  page += list("ARGUMENTS", command.arguments) + list("OPTIONS", command.options);
  if (command.usage != program.usage) page += list("OPTIONS OF EVERY COMMAND", program.options);
  page += commands_of(command);
  if (!command.footer.empty()) page += heading("NOTES") + notes(command.footer);
  return page +
         (command.usage == program.usage ? "" : heading("SEE ALSO") + bold(page_name(program)) + "(1)\n");
}

}  // namespace beeld::cli
