#include "cli/terminal/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iomanip>
#include <sstream>
#include <utility>

namespace beeld::cli {

namespace {

std::string short_number(double value) {
  std::ostringstream stream;
  stream << std::setprecision(12) << value;
  return stream.str();
}

}  // namespace

Check between(double low, double high) {
  const auto complaint = [low, high](const std::string& text) -> std::string {
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && value >= low && value <= high) return "";
    return "expected a number from " + short_number(low) + " to " + short_number(high) + ", got '" + text +
           "'";
  };
  return {complaint, ""};
}

Check one_of(std::initializer_list<const char*> words) {
  const std::vector<std::string> accepted(words.begin(), words.end());
  const std::string description = CLI::detail::generate_set(accepted);
  const auto complaint = [accepted, description](const std::string& text) {
    const bool found = std::find(accepted.begin(), accepted.end(), text) != accepted.end();
    return found ? "" : text + " not in " + description;
  };
  return {complaint, description};
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
  option_.check(
      CLI::Validator([complaint = std::move(check.complaint)](std::string& text) { return complaint(text); },
                     check.description));
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

Command::Command(const std::string& description, const std::string& name)
    : Command(std::make_shared<CLI::App>(description, name)) {
  app_->fallthrough();
  app_->require_subcommand(1);
}

Command::Command(std::shared_ptr<CLI::App> app) : app_(std::move(app)) {}

Command* Command::add_subcommand(const std::string& name, const std::string& description) {
  auto* command = app_->add_subcommand(name, description)->group(group_);
  return &commands_.emplace_back(app_->get_subcommand_ptr(command));
}

template <typename Value>
Option* Command::add_option(const std::string& names, Value& value, const std::string& help) {
  return keep(app_->add_option(names, value, help));
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
                  ->each([&values](const std::string& value) { values.push_back(value); }));
}

Option* Command::add_option_function(const std::string& names, std::function<void(const std::string&)> take,
                                     const std::string& help) {
  return keep(app_->add_option_function<std::string>(names, std::move(take), help));
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

Option* Command::add_flag_callback(const std::string& names, std::function<void()> call,
                                   const std::string& help) {
  return keep(app_->add_flag_callback(names, std::move(call), help));
}

void Command::add_version_flag(const std::string& name, const std::string& version, const std::string& help) {
  app_->set_version_flag(name, version, help);
}

Option* Command::get_option(const std::string& name) { return keep(app_->get_option(name)); }

void Command::callback(std::function<void()> call) { app_->callback(std::move(call)); }

void Command::require_subcommand(int count) { app_->require_subcommand(count); }

void Command::footer(const std::string& text) { app_->footer(text); }

std::string Command::help() const { return app_->help(); }

bool Command::parse(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help and --version
    app_->exit(wanted);
    return false;
  } catch (const CLI::ParseError& error) {
    const bool unknown_command = app_->get_subcommands().empty() && !app_->remaining().empty();
    throw UsageError(unknown_command ? "no such command: " + app_->remaining().front() : error.what());
  }
  return true;
}

Option* Command::keep(CLI::Option* option) { return &options_.emplace_back(*option); }

}  // namespace beeld::cli
