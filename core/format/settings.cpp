#include "core/format/settings.h"

#include <algorithm>

#include "core/base/files.h"

namespace beeld {

namespace {

[[noreturn]] void wrong_type(const std::string& origin, std::string_view key, const char* expected,
                             const nlohmann::json& value) {
  throw Error(ErrorCode::corrupt, "[config] " + origin + ": \"" + std::string(key) + "\" should be " +
                                      expected + ", but is " + value.dump().substr(0, 80));
}

}  // namespace

Settings::Settings(nlohmann::json value, std::string origin)
    : value_(std::move(value)), origin_(std::move(origin)) {
  if (!value_.is_object()) {
    throw Error(ErrorCode::corrupt,
                "[config] " + origin_ + ": expected a JSON object, got " + value_.type_name());
  }
}

Settings Settings::from_file(const std::string& path, std::size_t max_bytes) {
  return Settings(read_json(path, max_bytes), path);
}

const nlohmann::json* Settings::find(std::string_view key) {
  read_.emplace(key);
  const auto it = value_.find(key);
  return it == value_.end() || it->is_null() ? nullptr : &*it;
}

bool Settings::has(std::string_view key) const {
  const auto it = value_.find(key);
  return it != value_.end() && !it->is_null();
}

bool Settings::is_null(std::string_view key) const {
  const auto it = value_.find(key);
  return it != value_.end() && it->is_null();
}

std::int64_t Settings::integer(std::string_view key, std::int64_t fallback) {
  const auto* value = find(key);
  if (!value) return fallback;
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX)
    wrong_type(origin_, key, "an integer", *value);
  if (!value->is_number_integer()) wrong_type(origin_, key, "an integer", *value);
  return value->get<std::int64_t>();
}

double Settings::number(std::string_view key, double fallback) {
  const auto* value = find(key);
  if (!value) return fallback;
  if (!value->is_number()) wrong_type(origin_, key, "a number", *value);
  return value->get<double>();
}

bool Settings::boolean(std::string_view key, bool fallback) {
  const auto* value = find(key);
  if (!value) return fallback;
  if (!value->is_boolean()) wrong_type(origin_, key, "true or false", *value);
  return value->get<bool>();
}

std::string Settings::string(std::string_view key, const std::string& fallback) {
  const auto* value = find(key);
  if (!value) return fallback;
  if (!value->is_string()) wrong_type(origin_, key, "a string", *value);
  return value->get<std::string>();
}

int Settings::bounded(std::string_view key, int fallback, int low, int high) {
  const auto value = integer(key, fallback);
  if (value < low || value > high) {
    throw Error(ErrorCode::corrupt, "[config] " + origin_ + ": \"" + std::string(key) +
                                        "\" should be between " + std::to_string(low) + " and " +
                                        std::to_string(high) + ", but is " + std::to_string(value));
  }
  return static_cast<int>(value);
}

Settings Settings::object(std::string_view key) {
  const auto* value = find(key);
  return Settings(value ? *value : nlohmann::json::object(), origin_ + " " + std::string(key));
}

const nlohmann::json& Settings::raw(std::string_view key) {
  static const nlohmann::json null;
  const auto* value = find(key);
  return value ? *value : null;
}

void Settings::ignore(std::initializer_list<std::string_view> keys) {
  for (const auto key : keys) read_.emplace(key);
}

void Settings::require(std::string_view key, const nlohmann::json& expected) {
  require_any_of(key, {expected});
}

void Settings::require_any_of(std::string_view key, const std::vector<nlohmann::json>& expected) {
  const auto* value = find(key);
  if (!value || std::find(expected.begin(), expected.end(), *value) != expected.end()) return;
  std::string supported;
  for (const auto& one : expected) supported += (supported.empty() ? "" : " or ") + one.dump();
  throw Error(ErrorCode::unsupported, "[config] " + origin_ + ": \"" + std::string(key) + "\" is " +
                                          value->dump().substr(0, 80) + "; only " +
                                          (supported.empty() ? "null" : supported) + " is supported");
}

void Settings::done() const {
  std::string unknown;
  for (const auto& [key, value] : value_.items()) {
    if (!value.is_null() && !read_.contains(key)) unknown += (unknown.empty() ? "\"" : ", \"") + key + "\"";
  }
  if (!unknown.empty()) {
    throw Error(ErrorCode::unsupported, "[config] " + origin_ + ": unknown setting " + unknown);
  }
}

}  // namespace beeld
