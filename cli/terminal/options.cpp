#include "cli/terminal/options.h"

#include <beeld/error.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <sstream>

#include "core/base/files.h"
#include "core/base/text.h"
#include "vision/decode/memory_budget.h"

namespace beeld::cli {

namespace {

constexpr std::size_t max_bytes = 256u << 20;

/// Reads what comes next into `block`; 0 at the end. A pipe of which nothing came and that nobody opens for
/// writing is given up, one whose writer is slow is not.
std::size_t read_some(int descriptor, std::span<char> block, const std::filesystem::path& file, bool first) {
  constexpr int patience = 3000;  // milliseconds
  pollfd waiting{.fd = descriptor, .events = POLLIN, .revents = 0};
  for (bool waited = false;;) {
    const auto count = ::read(descriptor, block.data(), block.size());
    if (count > 0) return static_cast<std::size_t>(count);
    struct stat status {};
    const bool pipe = ::fstat(descriptor, &status) == 0 && S_ISFIFO(status.st_mode);
    if (count == 0 && (!pipe || !first)) return 0;
    if (count == 0 && waited) throw Error(ErrorCode::io, "[list] " + file.string() + ": nobody writes to it");
    if (count < 0 && errno != EAGAIN && errno != EINTR)
      throw Error(ErrorCode::io, "[list] " + file.string() + ": " + std::strerror(errno));
    // Where there is nothing and no writer, one may still come; one that came and went hangs up.
    const int events = ::poll(&waiting, 1, count == 0 ? patience : -1);
    if (events > 0 && (waiting.revents & POLLIN) == 0) return 0;
    waited = events == 0;
  }
}

/// A list a person names may also be a pipe, such as <(ls): read to its end, within the limit.
std::string read_input(const std::filesystem::path& file) {
  // O_NONBLOCK: opening a named pipe must not wait for a writer.
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  std::error_code ignored;
  if (descriptor < 0 || std::filesystem::is_directory(file, ignored)) {
    const std::string reason = descriptor < 0 ? std::strerror(errno) : "a folder, expected a file";
    if (descriptor >= 0) ::close(descriptor);
    throw Error(ErrorCode::not_found, "[list] " + file.string() + ": cannot be opened: " + reason);
  }
  const std::shared_ptr<const void> closing(nullptr, [descriptor](const void*) { ::close(descriptor); });
  std::string content;
  std::vector<char> block(1 << 16);
  while (const auto count = read_some(descriptor, block, file, content.empty())) {
    content.append(block.data(), count);
    if (content.size() > max_bytes)
      throw Error(ErrorCode::limit, "[list] " + file.string() + ": more than 256 MiB");
  }
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
  const auto content = read_input(file);
  std::istringstream stream(std::string(without_byte_order_mark(content, file.string())));
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

Option* add_cosine(Command& command, const std::string& names, Cosine cosine, const std::string& help) {
  const auto name = names.substr(names.rfind(',') + 1);
  return command.add_option_function(
      names,
      [name, cosine](const std::string& text) {
        std::string_view digits = text;
        const bool percent = digits.ends_with('%');
        if (percent) digits.remove_suffix(1);
        if (digits.starts_with('+')) digits.remove_prefix(1);
        double number = 0;
        const auto* end = digits.data() + digits.size();
        const auto parsed = std::from_chars(digits.data(), end, number);
        if (percent) number /= 100;
        if (parsed.ec != std::errc() || parsed.ptr != end || !std::isfinite(number))
          throw UsageError(name + ": expected a number such as 0.3 or 30%, got '" + text + "'");
        if (std::abs(number) > cosine.largest)
          throw UsageError(name + ": a cosine lies between -1 and 1 (100%), got '" + text + "'");
        cosine.value = static_cast<float>(number);
      },
      help);
}

void add_examples(Command& command, const std::string& examples) {
  command.footer("Examples:\n" + examples +
                 "\nAlso --model REF, --threads N, --weights TYPE, --json, --quiet: see 'beeld --help'.");
}

}  // namespace beeld::cli
