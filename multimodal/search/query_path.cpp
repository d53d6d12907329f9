#include "multimodal/search/query_path.h"

#include <beeld/error.h>
#include <beeld/image.h>

#include <algorithm>
#include <filesystem>

#include "multimodal/update/picture_files.h"

namespace beeld {

namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Whether `text` begins with `prefix`, which is in lower case, in any case.
bool begins(std::string_view text, std::string_view prefix) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  return text.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), text.begin(), [&](char b, char a) { return same(a, b); });
}

bool is_path(std::string_view path) { return !path.empty() && path.find('\0') == std::string_view::npos; }

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string_view without_blanks_around(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool is_file(std::string_view path) {
  std::error_code ignored;
  return is_path(path) && std::filesystem::is_regular_file(std::filesystem::path(path), ignored);
}

bool is_folder(std::string_view path) {
  std::error_code ignored;
  return is_path(path) && std::filesystem::is_directory(std::filesystem::path(path), ignored);
}

bool is_web_address(std::string_view text) { return begins(text, "http://") || begins(text, "https://"); }

bool is_file_address(std::string_view text) { return begins(text, "file://"); }

std::string path_of_file_address(std::string_view address) {
  const auto fail = [&](const char* what) {
    throw Error(ErrorCode::invalid_argument, "[query] " + std::string(address) + ": " + what);
  };
  auto rest = address.substr(std::string_view("file://").size());
  if (begins(rest, "localhost/")) rest.remove_prefix(std::string_view("localhost").size());
  if (!rest.starts_with('/')) fail("a file of another machine; expected file:///PATH");
  std::string path;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] != '%') {
      path += rest[i];
      continue;
    }
    const int high = i + 2 < rest.size() ? digit_of(rest[i + 1]) : -1;
    const int low = i + 2 < rest.size() ? digit_of(rest[i + 2]) : -1;
    if (high < 0 || low < 0 || (high == 0 && low == 0))
      fail("expected two hexadecimal digits behind every %");
    path += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return path;
}

bool can_only_be_path(std::string_view text) {
  if (!is_path(text)) return false;
  if (is_file_address(text)) return true;
  const bool blank = std::any_of(text.begin(), text.end(), is_blank);
  const bool rooted = text.size() > 1 && (text.starts_with('/') || text.starts_with("./") ||
                                          text.starts_with("../") || text.starts_with("~/"));
  const auto name = text.substr(text.rfind('/') + 1);
  if (is_picture_name(std::string(name))) return rooted || !blank;
  return rooted && !blank;
}

bool is_word_beside_a_file(std::string_view text) {
  if (text.find_first_of("/.") != std::string_view::npos || !is_file(text)) return false;
  try {
    load_image(std::filesystem::path(text));
    return false;
  } catch (const Error& error) {
    return error.code() == ErrorCode::unsupported;
  }
}

}  // namespace beeld
