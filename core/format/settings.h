#pragma once

#include <beeld/error.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace beeld {

/// A JSON object read strictly: every key must be read or named as harmless, else done() refuses it.
/// That is how a setting which would change a result is never ignored silently.
class Settings {
 public:
  /// `origin` names the file (and the path inside it) in error messages. Throws Error(corrupt) unless an
  /// object.
  Settings(nlohmann::json value, std::string origin);

  /// Parses a file of at most `max_bytes`. Throws Error: not_found, io, corrupt or limit.
  static Settings from_file(const std::string& path, std::size_t max_bytes = 64u << 20);

  /// Present and not null.
  bool has(std::string_view key) const;

  /// Present and null: for the few keys where that is a value and not an absence.
  bool is_null(std::string_view key) const;

  /// The value of `key`, or `fallback` where it is absent or null. Throws Error(corrupt) for another type,
  /// and for a number outside the type's range.
  std::int64_t integer(std::string_view key, std::int64_t fallback);
  double number(std::string_view key, double fallback);
  bool boolean(std::string_view key, bool fallback);
  std::string string(std::string_view key, const std::string& fallback);

  /// An integer in [low, high]; a value outside is Error(corrupt).
  int bounded(std::string_view key, int fallback, int low, int high);

  /// The object under `key`, empty where absent or null.
  Settings object(std::string_view key);

  /// The raw value under `key` (null where absent); the caller checks it.
  const nlohmann::json& raw(std::string_view key);

  /// Names keys that cannot change a result.
  void ignore(std::initializer_list<std::string_view> keys);

  /// Refuses `key` unless it is absent, null, or equal to `expected`: for settings only one value of which is
  /// supported.
  void require(std::string_view key, const nlohmann::json& expected);

  /// The same where several values are supported; with none, the key must be absent or null.
  void require_any_of(std::string_view key, const std::vector<nlohmann::json>& expected);

  /// Throws Error(unsupported) naming every key that has a value and was neither read nor ignored.
  void done() const;

  const std::string& origin() const { return origin_; }

 private:
  const nlohmann::json* find(std::string_view key);

  nlohmann::json value_;
  std::string origin_;
  std::set<std::string, std::less<>> read_;
};

}  // namespace beeld
