#include "cli/terminal/output.h"

#include <beeld/error.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <iostream>

namespace beeld::cli {

namespace {

/// The length of the UTF-8 character at the front; 0 where there is none.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  // Too long for what they say, surrogates, and beyond the last character.
  if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F)) return 0;
  if ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F)) return 0;
  return length;
}

std::string quoted_bytes(std::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const auto length = character_length(text);
    if (length > 0) {
      const auto quoted = Json(std::string(text.substr(0, length))).dump();
      json += quoted.substr(1, quoted.size() - 2);
    } else {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\udc%02x",
                    static_cast<unsigned>(static_cast<unsigned char>(text[0])));
      json += escape;
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return json + '"';
}

/// JSON whose texts may hold any bytes.
std::string json_line(const Json& value) {
  if (value.is_string()) return quoted_bytes(value.get_ref<const std::string&>());
  if (!value.is_structured()) return value.dump();
  std::string line;
  for (const auto& [key, item] : value.items()) {
    line += line.empty() ? "" : ",";
    if (value.is_object()) line += quoted_bytes(key) + ":";
    line += json_line(item);
  }
  return value.is_object() ? "{" + line + "}" : "[" + line + "]";
}

}  // namespace

void Output::object(const Json& value) {
  try {
    std::cout << value.dump() << '\n';
  } catch (const Json::type_error&) {  // a text that is not UTF-8
    std::cout << json_line(value) << '\n';
  }
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

Json json_text(const std::string& text) {
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace));
}

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
