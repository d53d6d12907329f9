#include "cli/help/completion.h"

#include <functional>

namespace beeld::cli {

namespace {

/// What stands behind an option, or in a positional argument's place.
enum class Kind { nothing, words, files, folders, models, text };

Kind kind_of(const OptionText& option) {
  const bool positional = option.names.front().front() != '-';
  const auto& what = positional ? option.names.front() : option.value;
  if (!option.choices.empty()) return Kind::words;
  if (!positional && option.values == Values::none) return Kind::nothing;
  if (what == "REF" || what == "MODEL") return Kind::models;
  if (what == "DIR" || what == "FOLDER") return Kind::folders;
  for (const char* name : {"FILE", "IMAGE", "QUERY", "DATA", "SHARD", "RUN.json"})
    if (what.starts_with(name)) return Kind::files;
  return Kind::text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// Calls `visit` with every command that has one of its own, the program first.
void for_each_command(const CommandText& command, const std::function<void(const CommandText&)>& visit) {
  visit(command);
  for (const auto& inner : command.commands)
    if (!inner.group.empty()) for_each_command(inner, visit);
}

std::vector<std::string> names_of_commands(const CommandText& command) {
  std::vector<std::string> names;
  for (const auto& inner : command.commands)
    if (!inner.group.empty()) names.push_back(inner.name);
  return names;
}

/// An option's own text between single quotes of a shell.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

// Bash ------------------------------------------------------------------------------------------------------

std::string bash_action(const OptionText& option) {
  switch (kind_of(option)) {
    case Kind::words:
      return "_beeld_words " + quoted(joined(option.choices));
    case Kind::files:
      return "_beeld_paths -f";
    case Kind::folders:
      return "_beeld_paths -d";
    case Kind::models:
      return "_beeld_known_models";
    case Kind::nothing:
    case Kind::text:
      return "";
  }
  return "";
}

/// A line of `case "$command $before"` for each option that takes a value.
std::string bash_values(const CommandText& command, bool everywhere) {
  std::string text;
  for (const auto& option : command.options) {
    if (option.values == Values::none) continue;
    std::string patterns;
    for (const auto& name : option.names)
      patterns += (patterns.empty() ? "" : " | ") +
                  (everywhere ? "*" + quoted(" " + name) : quoted(command.usage + " " + name));
    const auto action = bash_action(option);
    text += "    " + patterns + ") " + (action.empty() ? "" : action + "; ") + "return ;;\n";
  }
  return text;
}

/// Of the command, and the program's own but help, which the command has.
std::string option_names(const CommandText& program, const CommandText& command) {
  std::vector<std::string> names;
  for (const auto& option : command.options)
    names.insert(names.end(), option.names.begin(), option.names.end());
  if (command.usage == program.usage) return joined(names);
  for (const auto& option : program.options)
    if (option.names.back() != "--help") names.insert(names.end(), option.names.begin(), option.names.end());
  return joined(names);
}

constexpr const char* bash_head = R"bash(# Completion of beeld for bash, made from its own help.
_beeld_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "${COMP_WORDS[COMP_CWORD]}"); }
_beeld_paths() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen "$1" -- "${COMP_WORDS[COMP_CWORD]}")
}
_beeld_known_models() {
  _beeld_paths -d
  local names
  mapfile -t names < <(compgen -W "$(beeld models 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}")
  COMPREPLY+=("${names[@]}")
}
_beeld() {
  local command=beeld before=${COMP_WORDS[COMP_CWORD - 1]} i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command ${COMP_WORDS[i]}" in
)bash";

}  // namespace

std::string bash_completion(const CommandText& program) {
  std::string paths, values, options, rest;
  for_each_command(program, [&](const CommandText& command) {
    if (command.usage != program.usage) {
      paths += (paths.empty() ? "      " : " | ") + quoted(command.usage);
      values += bash_values(command, false);
    }
    options += "      " + quoted(command.usage) + ") _beeld_words " + quoted(option_names(program, command)) +
               " ;;\n";
    const auto names = names_of_commands(command);
    if (!names.empty()) {
      rest += "      " + quoted(command.usage) + ") _beeld_words " + quoted(joined(names)) + " ;;\n";
    } else if (!command.arguments.empty()) {
      const auto action = bash_action(command.arguments.back());
      if (!action.empty()) rest += "      " + quoted(command.usage) + ") " + action + " ;;\n";
    }
  });
  return bash_head + paths + ") command+=\" ${COMP_WORDS[i]}\" ;;\n    esac\n  done\n" +
         "  if [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi\n" +
         "  case \"$command $before\" in\n" + values + bash_values(program, true) + "  esac\n" +
         "  if [[ ${COMP_WORDS[COMP_CWORD]} == -* ]]; then\n    case $command in\n" + options +
         "    esac\n  else\n    case $command in\n" + rest + "    esac\n  fi\n}\ncomplete -F _beeld beeld\n";
}

// Zsh -------------------------------------------------------------------------------------------------------

namespace {

/// Text inside [...] or between colons of a specification for _arguments.
std::string zsh_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string zsh_action(const OptionText& option) {
  switch (kind_of(option)) {
    case Kind::words:
      return "(" + joined(option.choices) + ")";
    case Kind::files:
      return "_files";
    case Kind::folders:
      return "_files -/";
    case Kind::models:
      return "_beeld_known_models";
    case Kind::nothing:
    case Kind::text:
      return " ";
  }
  return " ";
}

std::string zsh_options(const std::vector<OptionText>& options) {
  std::string text;
  for (const auto& option : options) {
    for (const auto& name : option.names) {
      auto specification = name;
      // A value may follow a long name's "=" as well; an optional one does nothing else.
      if (option.values == Values::optional)
        specification += "=-";
      else if (option.values != Values::none && name.starts_with("--"))
        specification += "=";
      specification += "[" + zsh_text(option.help) + "]";
      if (option.values == Values::optional) specification += ":";
      if (option.values != Values::none)
        specification += ":" + zsh_text(option.value) + ":" + zsh_action(option);
      text += " \\\n    " + quoted("*" + specification);
    }
  }
  return text;
}

std::string zsh_name(const CommandText& command) {
  std::string name = "_" + command.usage;
  for (char& c : name)
    if (c == ' ' || c == '-') c = '_';
  return name;
}

std::string zsh_function(const CommandText& program, const CommandText& command) {
  std::string text = zsh_name(command) + "() {\n";
  std::vector<OptionText> options = command.options;
  if (command.usage != program.usage) {
    for (const auto& option : program.options)
      if (option.names.back() != "--help") options.push_back(option);
  }
  if (command.commands.empty()) {
    text += "  _arguments -s" + zsh_options(options);
    for (const auto& argument : command.arguments) {
      const bool many = argument.values == Values::many;
      text += " \\\n    " + quoted(std::string(many ? "*:" : ":") + zsh_text(argument.names.front()) + ":" +
                                   zsh_action(argument));
    }
    return text + "\n}\n";
  }
  text += "  local state line\n  _arguments -C" + zsh_options(options) +
          " \\\n    ':command:->command' '*::argument:->argument'\n  case $state in\n    command)\n" +
          "      local -a commands=(\n";
  for (const auto& inner : command.commands)
    if (!inner.group.empty())
      text += "        " + quoted(zsh_text(inner.name) + ":" + inner.description) + "\n";
  text += "      )\n      _describe command commands ;;\n    argument)\n      case $line[1] in\n";
  for (const auto& inner : command.commands)
    if (!inner.group.empty()) text += "        " + inner.name + ") " + zsh_name(inner) + " ;;\n";
  return text + "      esac ;;\n  esac\n}\n";
}

}  // namespace

std::string zsh_completion(const CommandText& program) {
  std::string text =
      "#compdef beeld\n# Completion of beeld for zsh, made from its own help.\n"
      "_beeld_known_models() {\n  local -a models=(${(f)\"$(beeld models 2>/dev/null)\"})\n"
      "  _alternative 'models:model:compadd -a models' 'folders:folder:_files -/'\n}\n";
  for_each_command(program, [&](const CommandText& command) { text += zsh_function(program, command); });
  return text + "_beeld \"$@\"\n";
}

// Fish ------------------------------------------------------------------------------------------------------

namespace {

std::string fish_action(const OptionText& option) {
  switch (kind_of(option)) {
    case Kind::words:
      return " -x -a " + quoted(joined(option.choices));
    case Kind::files:
      return " -r -F";
    case Kind::folders:
      return " -x -a '(__fish_complete_directories)'";
    case Kind::models:
      return " -x -a '(beeld models 2>/dev/null) (__fish_complete_directories)'";
    case Kind::text:
      return " -x";
    case Kind::nothing:
      return "";
  }
  return "";
}

std::string fish_options(const std::vector<OptionText>& options, const std::string& condition) {
  std::string text;
  for (const auto& option : options) {
    text += "complete -c beeld" + (condition.empty() ? "" : " -n " + quoted(condition));
    for (const auto& name : option.names)
      text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    text += fish_action(option) + " -d " + quoted(option.help) + "\n";
  }
  return text;
}

std::string fish_command(const CommandText& command, const std::string& inside) {
  std::string text, names = joined(names_of_commands(command));
  const auto here = inside.empty() ? std::string() : inside + "; and ";
  for (const auto& inner : command.commands) {
    if (inner.group.empty()) continue;
    text += "complete -c beeld -f -n " + quoted(here + "not __fish_seen_subcommand_from " + names) + " -a " +
            inner.name + " -d " + quoted(inner.description) + "\n";
    const auto within = here + "__fish_seen_subcommand_from " + inner.name;
    text += fish_options(inner.options, within) + fish_command(inner, within);
  }
  return text;
}

}  // namespace

std::string fish_completion(const CommandText& program) {
  return "# Completion of beeld for fish, made from its own help.\n" + fish_options(program.options, "") +
         fish_command(program, "");
}

}  // namespace beeld::cli
