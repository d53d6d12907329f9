#include "cli/terminal/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iomanip>
#include <sstream>
#include <type_traits>
#include <utility>

#include "cli/help/help.h"
#include "cli/help/suggestion.h"

namespace beeld::cli {

namespace {

// Stands in front of an argument that begins with a minus and is no option, while CLI11 has it.
constexpr char argument_mark = '\x1f';

std::string short_number(double value) {
  std::ostringstream stream;
  stream << std::setprecision(12) << value;
  return stream.str();
}

/// An option's name holds neither blanks nor quotes. `shorts` are the letters of those that take a value,
/// which may follow at once: "-k 5" in one argument.
bool is_argument(const std::string& text, const std::string& shorts) {
  if (text.size() < 3 || text[0] != '-' || text[1] == '-') return false;
  if (text.find('"') != std::string::npos) return true;
  return text.find(' ') != std::string::npos && shorts.find(text[1]) == std::string::npos;
}

CLI::Validator taking_mark_away() {
  return CLI::Validator(
      [](std::string& text) {
        if (!text.empty() && text.front() == argument_mark) text.erase(0, 1);
        return std::string();
      },
      "");
}

std::string joined(const std::vector<std::string>& words, const std::string& last) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 == words.size() ? last : ", ") + words[i];
  return text;
}

}  // namespace

Check between(double low, double high) {
  const auto complaint = [low, high](const std::string& text) -> std::string {
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && value >= low && value <= high) return "";
    return "expected a number from " + short_number(low) + " to " + short_number(high) + ", got '" + text +
           "'";
  };
  return {complaint};
}

Check one_of(std::initializer_list<const char*> words) {
  const std::vector<std::string> accepted(words.begin(), words.end());
  const auto complaint = [accepted](const std::string& text) -> std::string {
    if (std::find(accepted.begin(), accepted.end(), text) != accepted.end()) return "";
    const auto meant = suggestion(text, accepted);
    return "expected " + joined(accepted, " or ") + ", got '" + text + "'" +
           (meant.empty() ? "" : "; did you mean " + meant + "?");
  };
  return {complaint, accepted};
}

Option* Option::type_name(const std::string& name) {
  option_.type_name(name);
  return this;
}

Option* Option::required() {
  option_.required();
  return this;
}

Option* Option::check(Check check) {
  option_.check(CLI::Validator(
      [complaint = std::move(check.complaint)](std::string& text) { return complaint(text); }, ""));
  words_ = std::move(check.words);
  return this;
}

Option* Option::needs(Option* other) {
  option_.needs(&other->option_);
  return this;
}

Option* Option::excludes(Option* other) {
  option_.excludes(&other->option_);
  return this;
}

Option* Option::expected(int count) {
  option_.expected(count);
  return this;
}

Option* Option::delimiter(char mark) {
  option_.delimiter(mark);
  return this;
}

Option* Option::capture_default_str() {
  option_.capture_default_str();
  return this;
}

OptionText Option::describe() const {
  OptionText text;
  if (option_.get_positional()) text.names.push_back(option_.get_name(true, false));
  for (const auto& name : option_.get_snames()) text.names.push_back("-" + name);
  for (const auto& name : option_.get_lnames()) text.names.push_back("--" + name);
  const bool flag = option_.get_items_expected_max() == 0 || option_.get_type_size() == 0;
  text.value = option_.get_type_name();
  text.choices = words_;
  if (option_.get_positional())
    text.values = option_.get_items_expected_max() > 1 ? Values::many : Values::none;
  else if (flag || option_.get_expected_min() == 0)
    text.values = words_.empty() ? Values::none : Values::optional;
  else
    text.values = option_.get_items_expected_max() > 1 ? Values::many : Values::one;
  if (text.value.empty() && (text.values == Values::one || text.values == Values::optional))
    text.value = "VALUE";
  if (option_.get_positional() || text.values == Values::none) text.value.clear();
  text.help = option_.get_description();
  text.required = option_.get_required();
  if (!words_.empty() && text.help.find(words_.back()) == std::string::npos)
    text.help += ": " + joined(words_, " or ");
  if (!option_.get_default_str().empty()) text.help += " (default: " + option_.get_default_str() + ")";
  std::vector<std::string> others;
  for (const auto* other : option_.get_needs()) others.push_back(other->get_name());
  if (!others.empty()) text.help += " (needs " + joined(others, " and ") + ")";
  others.clear();
  for (const auto* other : option_.get_excludes()) others.push_back(other->get_name());
  std::sort(others.begin(), others.end());
  if (!others.empty()) text.help += " (not with " + joined(others, " or ") + ")";
  return text;
}

Command::Command(const std::string& description, const std::string& name)
    : Command(std::make_shared<CLI::App>(description, name)) {
  app_->fallthrough();
  app_->require_subcommand(1);
}

Command::Command(std::shared_ptr<CLI::App> app) : app_(std::move(app)) {
  app_->set_help_flag("-h,--help", "Show this help");
  app_->formatter_fn([this](const CLI::App*, const std::string&, CLI::AppFormatMode) { return help(); });
}

Command* Command::add_subcommand(const std::string& name, const std::string& description) {
  auto* command = app_->add_subcommand(name, description)->group(group_);
  return &commands_.emplace_back(app_->get_subcommand_ptr(command));
}

template <typename Value>
Option* Command::add_option(const std::string& names, Value& value, const std::string& help) {
  auto* option = app_->add_option(names, value, help);
  if constexpr (std::is_same_v<Value, std::string>) option->transform(taking_mark_away());
  return keep(option);
}

template Option* Command::add_option(const std::string&, std::string&, const std::string&);
template Option* Command::add_option(const std::string&, float&, const std::string&);
template Option* Command::add_option(const std::string&, double&, const std::string&);
template Option* Command::add_option(const std::string&, int&, const std::string&);
template Option* Command::add_option(const std::string&, std::size_t&, const std::string&);
template Option* Command::add_option(const std::string&, std::vector<std::size_t>&, const std::string&);

Option* Command::add_list(const std::string& names, std::vector<std::string>& values,
                          const std::string& help) {
  // Unlimited, but in a form in which CLI11 does not split values: positionals take what their minimum asks
  // for (which the policy does not enforce), options have a maximum that no argument list reaches.
  constexpr int unlimited = CLI::detail::expected_max_vector_size;
  const bool positional = names.front() != '-';
  return keep(app_->add_option(names, CLI::callback_t{}, help)
                  ->type_name(positional ? "" : "TEXT")
                  ->expected(positional ? unlimited : 1, positional ? unlimited : unlimited / 32)
                  ->allow_extra_args(false)
                  ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
                  ->transform(taking_mark_away())
                  ->each([&values](const std::string& value) { values.push_back(value); }));
}

Option* Command::add_option_function(const std::string& names, std::function<void(const std::string&)> take,
                                     const std::string& help) {
  return keep(
      app_->add_option_function<std::string>(names, std::move(take), help)->transform(taking_mark_away()));
}

Option* Command::add_size(const std::string& names, Size size, const std::string& help) {
  return keep(app_->add_option_function<std::uint64_t>(names, std::move(size.take), help)
                  ->type_name("SIZE")
                  ->transform(CLI::AsSizeValue(false).description(""))
                  ->check(CLI::Range(size.low, size.high).description("")));
}

Option* Command::add_flag(const std::string& names, bool& value, const std::string& help) {
  return keep(app_->add_flag(names, value, help));
}

Option* Command::add_flag_with_word(const std::string& names, std::string& value, const std::string& help) {
  return keep(app_->add_flag(names, value, help));
}

Option* Command::add_flag_callback(const std::string& names, std::function<void()> call,
                                   const std::string& help) {
  return keep(app_->add_flag_callback(names, std::move(call), help));
}

void Command::add_version_flag(const std::string& name, const std::string& version, const std::string& help) {
  app_->set_version_flag(name, version, help);
}

Option* Command::get_option(const std::string& name) {
  const auto* wanted = app_->get_option(name);
  const auto known = std::find_if(options_.begin(), options_.end(),
                                  [&](const Option& option) { return option.is(*wanted); });
  return known != options_.end() ? &*known : keep(app_->get_option(name));
}

void Command::callback(std::function<void()> call) { app_->callback(std::move(call)); }

void Command::require_subcommand(int count) { app_->require_subcommand(count); }

void Command::footer(const std::string& text) { app_->footer(text); }

std::string Command::help() const { return help_text(describe(), terminal_width()); }

CommandText Command::describe() const {
  CommandText text;
  text.name = app_->get_name();
  text.usage = text.name;
  for (const auto* outer = app_->get_parent(); outer != nullptr; outer = outer->get_parent())
    text.usage = outer->get_name() + " " + text.usage;
  text.group = app_->get_group();
  text.description = app_->get_description();
  text.footer = app_->get_footer();
  // CLI11's own ones, help and version, are in its list alone.
  for (auto* option : app_->get_options({})) {
    const auto known =
        std::find_if(options_.begin(), options_.end(), [&](const Option& mine) { return mine.is(*option); });
    auto described = known != options_.end() ? known->describe() : Option(*option).describe();
    (option->get_positional() ? text.arguments : text.options).push_back(std::move(described));
  }
  for (const auto& command : commands_) text.commands.push_back(command.describe());
  return text;
}

bool Command::parse(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && arguments.front() == "help") {
    arguments.erase(arguments.begin());
    arguments.emplace_back("--help");
  }
  for (auto& argument : arguments) {
    if (argument == "--") break;
    if (is_argument(argument, "k")) argument.insert(argument.begin(), argument_mark);
  }
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    app_->parse(std::move(arguments));
  } catch (const CLI::Success& wanted) {  // --help and --version
    if (const auto wrong = complaint(""); !wrong.empty()) throw UsageError(wrong);
    app_->exit(wanted);
    return false;
  } catch (const CLI::ParseError& error) {
    throw UsageError(complaint(error.what()));
  }
  return true;
}

/// The innermost command that was given.
const Command* Command::chosen() const {
  const auto given = app_->get_subcommands();
  for (const auto& command : commands_)
    if (!given.empty() && command.app_.get() == given.front()) return command.chosen();
  return this;
}

/// What is wrong: a name that does not exist says more than what CLI11 misses because of it. Of `reason`
/// empty, nothing but an unknown command counts.
std::string Command::complaint(const std::string& reason) const {
  const auto left = app_->remaining(true);
  const auto& command = *chosen();
  const auto is_option = [](const std::string& text) { return text.size() > 1 && text.front() == '-'; };
  const auto word = std::find_if_not(left.begin(), left.end(), is_option);
  std::vector<std::string> names;
  if (!command.commands_.empty() && word != left.end()) {
    for (const auto& inner : command.commands_) names.push_back(inner.app_->get_name());
    const auto meant = suggestion(*word, names);
    return "no such command: " + *word + (meant.empty() ? "" : "; did you mean " + meant + "?");
  }
  if (reason.empty()) return "";
  const auto option = std::find_if(left.begin(), left.end(), is_option);
  if (option == left.end()) return left.empty() ? reason : "one argument too many: '" + left.front() + "'";
  const auto name = option->substr(0, option->find('='));
  for (const auto* app : {command.app_.get(), app_.get()})
    for (const auto* known : app->get_options({}))
      for (const auto& text : known->get_lnames()) names.push_back("--" + text);
  const auto meant = suggestion(name, names);
  return "no such option: " + name + (meant.empty() ? "" : "; did you mean " + meant + "?");
}

Option* Command::keep(CLI::Option* option) { return &options_.emplace_back(*option); }

}  // namespace beeld::cli
