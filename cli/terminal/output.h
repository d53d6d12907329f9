#pragma once

#include <beeld/weight_type.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace beeld::cli {

using Json = nlohmann::ordered_json;

/// Options that every command accepts, before or after its name.
struct GlobalOptions {
  std::string model;  ///< A folder, a name in the store, or hf:owner/name; empty: the default.
  int threads = 0;    ///< 0: one for each core.
  WeightType weights = WeightType::f32;
  bool json = false;
  bool quiet = false;
};

/// Where results and messages go: results to stdout, as JSON lines with --json and for people otherwise;
/// everything else to stderr.
class Output {
 public:
  explicit Output(const GlobalOptions& options) : options_(options) {}

  bool json() const { return options_.json; }

  /// One JSON object on a line of its own on stdout. A byte of a text that is not UTF-8, as a file's name may
  /// hold, is written as the escape \udcXX, XX being the byte: what Python's os.fsencode() turns back into
  /// it.
  void object(const Json& value);

  /// Text for people on stdout, as it is.
  void text(const std::string& text);

  /// A remark on stderr; silent with --quiet.
  void note(const std::string& message);

  /// Names an input that failed on stderr and counts it.
  void failed(const std::string& input, const std::string& reason);

  std::size_t failures() const { return failures_; }

  /// Whether a progress bar would be seen by someone: stderr is a terminal, and not --quiet.
  bool shows_progress() const;

  /// Writes out what is buffered. Throws Error(io) where stdout did not take it (a full disk).
  void finish();

 private:
  const GlobalOptions& options_;
  std::size_t failures_ = 0;
};

/// A float as the shortest decimal number that reads back as the same float.
Json json_number(float value);

/// A path's bytes as JSON text.
Json json_path(const std::filesystem::path& path);

/// Text that names no file: what is not UTF-8 is replaced by U+FFFD, as tokenizers replace it.
Json json_text(const std::string& text);

/// Text with control characters written as escapes (\n, \x1b), so that a file's name cannot steer a terminal
/// or fake a line of output.
std::string printable(std::string_view text);

/// A path as it is shown, byte for byte: from the current folder on where it lies below it, else in full.
std::filesystem::path near_path(const std::filesystem::path& path);

/// The same for people: printable.
std::string shown_path(const std::filesystem::path& path);

/// Pieces of human output: "87.3" and the like.
std::string fixed(double value, int digits);

/// A whole number with a separator at each thousand: 1,234,567.
std::string grouped(std::uint64_t value);

}  // namespace beeld::cli
