#include "cli/terminal/options.h"

#include <beeld/error.h>

#include <fstream>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/base/files.h"
#include "vision/decode/memory_budget.h"

namespace beeld::cli {

namespace {

constexpr std::size_t max_bytes = 256u << 20;

std::string short_number(double value) {
  std::ostringstream stream;
  stream << std::setprecision(12) << value;
  return stream.str();
}

/// A list a person names may also be a pipe, such as <(ls): read to its end, within the limit.
std::string read_input(const std::filesystem::path& file) {
  std::error_code ignored;
  std::ifstream stream(file, std::ios::binary);
  if (!stream || std::filesystem::is_directory(file, ignored))
    throw Error(ErrorCode::not_found, "[list] " + file.string() + ": cannot be opened");
  std::string content;
  for (char block[1 << 16]; stream.read(block, sizeof block), stream.gcount() > 0;) {
    content.append(block, static_cast<std::size_t>(stream.gcount()));
    if (content.size() > max_bytes)
      throw Error(ErrorCode::limit, "[list] " + file.string() + ": more than 256 MiB");
  }
  if (stream.bad()) throw Error(ErrorCode::io, "[list] " + file.string() + ": cannot be read");
  return content;
}

}  // namespace

CLI::Option* add_list(CLI::App& command, const std::string& name, std::vector<std::string>& values,
                      const std::string& help) {
  // Unlimited, but in a form in which CLI11 does not split values: positionals take what their minimum asks
  // for (which the policy does not enforce), options have a maximum that no argument list reaches.
  constexpr int unlimited = CLI::detail::expected_max_vector_size;
  const bool positional = name.front() != '-';
  return command.add_option(name, CLI::callback_t{}, help)
      ->type_name(positional ? "" : "TEXT")
      ->expected(positional ? unlimited : 1, positional ? unlimited : unlimited / 32)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->each([&values](const std::string& value) { values.push_back(value); });
}

CLI::Validator between(double low, double high) {
  const auto check = [low, high](const std::string& text) -> std::string {
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && value >= low && value <= high) return "";
    return "expected a number from " + short_number(low) + " to " + short_number(high) + ", got '" + text +
           "'";
  };
  return CLI::Validator(check, "");
}

void add_prompt_options(CLI::App& command, PromptOptions& options) {
  add_list(command, "--template", options.templates,
           "A prompt with {} where the label goes, such as \"a photo of a {}\"; may be repeated, the "
           "embeddings are averaged")
      ->expected(1);
  command.add_option("--templates", options.file, "A text file with one such prompt a line")
      ->type_name("FILE");
}

std::vector<std::string> prompt_templates(const PromptOptions& options) {
  std::vector<std::string> templates = options.templates;
  if (options.file.empty()) return templates;
  const auto lines = read_lines(options.file);
  if (lines.empty()) throw Error(ErrorCode::invalid_argument, "[templates] " + options.file + ": no lines");
  templates.insert(templates.end(), lines.begin(), lines.end());
  return templates;
}

void add_decode_options(CLI::App& command, DecodeOptions& options) {
  command
      .add_option_function<std::uint64_t>(
          "--max-memory", [](std::uint64_t bytes) { set_decode_memory(static_cast<std::int64_t>(bytes)); },
          "Memory for pictures while they are decoded, such as 512M or 4G: others wait their turn (default: "
          "2G)")
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(false).description(""))
      ->check(CLI::Range(std::uint64_t{1} << 20, std::uint64_t{1} << 50).description(""));
  command.add_flag_callback(
      "--no-exif", [&options] { options.orientation = Orientation::ignore; },
      "Do not turn pictures by their EXIF orientation (as the reference implementations)");
  command.add_flag_callback(
      "--fast", [&options] { options.decoding = Decoding::fast; },
      "Decode large JPEG files at a reduced size: quicker, not exact");
}

std::vector<std::string> read_lines(const std::filesystem::path& file) {
  std::istringstream stream(read_input(file));
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

std::vector<std::string> read_string_list(const std::filesystem::path& file) {
  const auto list = parse_json(read_input(file), file.string());
  const auto refuse = [&] {
    throw Error(ErrorCode::corrupt, "[json] " + file.string() + ": expected one list of strings");
  };
  if (!list.is_array()) refuse();
  std::vector<std::string> strings;
  for (const auto& item : list) {
    if (!item.is_string()) refuse();
    strings.push_back(item.get<std::string>());
  }
  return strings;
}

void add_examples(CLI::App& command, const std::string& examples) {
  command.footer("Examples:\n" + examples +
                 "\nAlso --model REF, --threads N, --weights TYPE, --json, --quiet: see 'beeld --help'.");
}

}  // namespace beeld::cli
