#include "multimodal/data/class_names.h"

#include <beeld/error.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "core/base/files.h"
#include "core/base/text.h"

namespace beeld {

namespace {

constexpr std::size_t max_class_file_bytes = 64u << 20;

[[noreturn]] void corrupt_class(const std::filesystem::path& file, std::size_t line,
                                const std::string& fact) {
  throw Error(ErrorCode::corrupt,
              "[classes] " + file.string() + ": line " + std::to_string(line) + ": " + fact);
}

struct ClassLine {
  std::size_t index;
  std::vector<std::string> names;
};

/// index<TAB>id<TAB>name, synonym, ...
std::optional<ClassLine> parse_class(std::string_view line) {
  ClassLine parsed{};
  const auto* end = line.data() + line.size();
  const auto number = std::from_chars(line.data(), end, parsed.index);
  if (number.ec != std::errc() || number.ptr == end || *number.ptr != '\t') return std::nullopt;
  line.remove_prefix(static_cast<std::size_t>(number.ptr - line.data()) + 1);
  const auto tab = line.find('\t');
  if (tab == std::string_view::npos) return std::nullopt;
  line.remove_prefix(tab + 1);
  line = line.substr(0, line.find('\t'));
  while (true) {
    const auto comma = line.find(',');
    const auto name = line.substr(0, comma);
    const auto first = name.find_first_not_of(' ');
    if (first != std::string_view::npos)
      parsed.names.emplace_back(name.substr(first, name.find_last_not_of(' ') - first + 1));
    else if (parsed.names.empty())
      return std::nullopt;
    if (comma == std::string_view::npos) return parsed;
    line.remove_prefix(comma + 1);
  }
}

}  // namespace

std::vector<std::vector<std::string>> read_class_synonyms(const std::filesystem::path& file) {
  const auto content = read_file(file, max_class_file_bytes);
  std::vector<ClassLine> classes;
  auto rest = without_byte_order_mark(content, file.string());
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const auto end = std::min(rest.find('\n'), rest.size());
    auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const auto parsed = parse_class(line);
    if (!parsed) corrupt_class(file, number, "expected index<TAB>id<TAB>name, synonym, ...");
    classes.push_back(*parsed);
  }
  std::ranges::sort(classes, {}, &ClassLine::index);
  std::vector<std::vector<std::string>> names;
  for (auto& [index, synonyms] : classes) {
    if (index != names.size()) {
      throw Error(ErrorCode::corrupt, "[classes] " + file.string() + ": expected every index from 0 to " +
                                          std::to_string(classes.size() - 1) + " once; " +
                                          std::to_string(names.size()) +
                                          " is missing, or the one before it "
                                          "occurs twice");
    }
    names.push_back(std::move(synonyms));
  }
  return names;
}

std::vector<std::string> read_class_names(const std::filesystem::path& file) {
  std::vector<std::string> names;
  for (auto& synonyms : read_class_synonyms(file)) names.push_back(std::move(synonyms.front()));
  return names;
}

}  // namespace beeld
