#include "core/base/files.h"
#include "multimodal/hub/pull.h"

#include <beeld/error.h>

#include <algorithm>
#include <cstdlib>

namespace beeld {

namespace fs = std::filesystem;

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

/// Where the hub's own programs keep the token of a login; empty where there is no home.
fs::path saved_token_path() {
  if (const auto path = environment("HF_TOKEN_PATH"); !path.empty()) return path;
  if (const auto home = environment("HF_HOME"); !home.empty()) return fs::path(home) / "token";
  if (const auto cache = environment("XDG_CACHE_HOME"); !cache.empty()) {
    return fs::path(cache) / "huggingface/token";
  }
  const auto home = environment("HOME");
  return home.empty() ? fs::path() : fs::path(home) / ".cache/huggingface/token";
}

/// A token without the line end that editors and shells leave. Anything that could end a header is no token.
std::string checked_token(std::string text, const std::string& origin) {
  constexpr const char* blanks = " \t\r\n";
  text.erase(0, std::min(text.find_first_not_of(blanks), text.size()));
  text.erase(text.find_last_not_of(blanks) + 1);
  if (!std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; })) {
    throw Error(ErrorCode::invalid_argument, "[pull] " + origin + ": expected a token, one word of ASCII");
  }
  return text;
}

void find_token(PullSettings& settings) {
  constexpr std::size_t max_token_bytes = 4096;
  settings.token_origin = "HF_TOKEN";
  settings.token = checked_token(environment("HF_TOKEN"), settings.token_origin);
  if (!settings.token.empty()) return;
  const auto path = saved_token_path();
  std::error_code ignored;
  if (path.empty() || !fs::is_regular_file(path, ignored)) return;
  settings.token_origin = path.string();
  settings.token = checked_token(read_file(path, max_token_bytes), settings.token_origin);
}

}  // namespace

PullSettings settings_of_environment() {
  PullSettings settings;
  if (const auto endpoint = environment("HF_ENDPOINT"); !endpoint.empty()) settings.endpoint = endpoint;
  find_token(settings);
  settings.store = store_folder();
  return settings;
}

}  // namespace beeld
