#include "cli/terminal/options.h"

#include <beeld/error.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/base/files.h"
#include "vision/decode/memory_budget.h"

namespace beeld::cli {

namespace {

constexpr std::size_t max_bytes = 256u << 20;

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

void add_prompt_options(Command& command, PromptOptions& options) {
  command
      .add_list("--template", options.templates,
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

void add_decode_options(Command& command, DecodeOptions& options) {
  command.add_size("--max-memory",
                   {.take = [](std::uint64_t bytes) { set_decode_memory(static_cast<std::int64_t>(bytes)); },
                    .low = std::uint64_t{1} << 20,
                    .high = std::uint64_t{1} << 50},
                   "Memory for pictures while they are decoded, such as 512M or 4G: others wait their turn "
                   "(default: 2G)");
  command.add_size(
      "--max-pixels",
      {.take = [&options](std::uint64_t pixels) { options.max_pixels = static_cast<std::int64_t>(pixels); },
       .low = 1,
       .high = std::uint64_t{1} << 40},
      "Pixels that a picture may have, such as 400M (default: 256000000)");
  command.add_flag_callback(
      "--refuse-damaged", [&options] { options.damaged = Damaged::refuse; },
      "Refuse damaged JPEG and PNG files, also where at least half of their rows can be read");
  command.add_flag_callback(
      "--icc", [&options] { options.profile = ColorProfile::apply; },
      "Convert colours to sRGB by a picture's own profile, such as Display P3 (the reference implementations "
      "do not)");
  command.add_flag_callback(
      "--on-white", [&options] { options.transparency = Transparency::on_white; },
      "Compose transparent pictures on white (the reference implementations drop transparency)");
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

void add_examples(Command& command, const std::string& examples) {
  command.footer("Examples:\n" + examples +
                 "\nAlso --model REF, --threads N, --weights TYPE, --json, --quiet: see 'beeld --help'.");
}

}  // namespace beeld::cli
