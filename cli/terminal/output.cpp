#include "cli/terminal/output.h"

#include <beeld/error.h>
#include <unistd.h>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <iostream>

namespace beeld::cli {

void Output::object(const Json& value) {
  std::cout << value.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
}

void Output::text(const std::string& text) { std::cout << text; }

void Output::note(const std::string& message) {
  if (!options_.quiet) std::cerr << message << '\n';
}

void Output::failed(const std::string& input, const std::string& reason) {
  ++failures_;
  const bool is_path = input.starts_with('/') || input.starts_with("./");
  const auto shown = is_path ? near_path(input).string() : input;
  // Most reasons name their input already.
  auto text = reason;
  bool named = false;
  for (auto at = text.find(input); at != std::string::npos && !input.empty();
       at = text.find(input, at + shown.size())) {
    named = true;
    text.replace(at, input.size(), shown);
  }
  std::cerr << "beeld: " << (named ? "" : printable(shown) + ": ") << printable(text) << '\n';
}

bool Output::shows_progress() const { return !options_.quiet && ::isatty(STDERR_FILENO) == 1; }

void Output::finish() {
  std::cout.flush();
  if (!std::cout) throw Error(ErrorCode::io, "[output] standard output could not be written");
}

Json json_number(float value) {
  if (!std::isfinite(value)) return nullptr;
  char digits[32];
  const auto written = std::to_chars(digits, digits + sizeof digits, value);
  double shortest = 0;
  std::from_chars(digits, written.ptr, shortest);
  return shortest;
}

Json json_path(const std::filesystem::path& path) { return path.string(); }

std::string printable(std::string_view text) {
  std::string result;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte >= 0x20 && byte != 0x7F) {
      result.push_back(character);
    } else if (character == '\n') {
      result += "\\n";
    } else {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\x%02x", byte);
      result += escape;
    }
  }
  return result;
}

std::filesystem::path near_path(const std::filesystem::path& path) {
  std::error_code error;
  const auto folder = std::filesystem::current_path(error);
  if (error) return path;
  const auto whole = (folder / path).lexically_normal();
  const auto relative = whole.lexically_relative(folder);
  return relative.empty() || *relative.begin() == ".." ? whole : relative;
}

std::string shown_path(const std::filesystem::path& path) { return printable(near_path(path).string()); }

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string grouped(std::uint64_t value) {
  std::string text = std::to_string(value);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

}  // namespace beeld::cli
