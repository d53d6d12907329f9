#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace beeld::testing {

/// What a run of the command left behind.
struct Finished {
  int code = -1;  ///< Exit code; 128 + N where signal N ended it.
  std::string out;
  std::string err;
  std::int64_t peak_memory = 0;  ///< The most bytes that were in memory at once.

  /// Every line of `out` as JSON; a line that is not JSON throws.
  std::vector<nlohmann::json> lines() const;
  /// The only line of `out`.
  nlohmann::json line() const;
  bool names(const std::string& text) const { return err.find(text) != std::string::npos; }
};

/// A tiny checkpoint and an empty folder for pictures, and the built command to run on them. The user's own
/// store, cache and variables are out of its sight.
class CommandTest : public ::testing::Test {
 protected:
  CommandTest();

  /// Runs `beeld ARGUMENTS...` as given.
  Finished run_plain(const std::vector<std::string>& arguments);

  /// Runs it with the tiny checkpoint as --model, and with --json.
  Finished run(std::vector<std::string> arguments);

  /// Runs any program; `meanwhile`, where there is one, is called with the process's id.
  Finished run_program(const std::string& program, std::vector<std::string> arguments,
                       const std::function<void(int)>& meanwhile = {});

  /// Writes a picture by formula into the folder of pictures; its path.
  std::filesystem::path add_picture(const std::string& name, std::uint32_t seed);

  /// Writes any file below the temporary folder; its path.
  std::filesystem::path add_file(const std::filesystem::path& name, const std::string& content);

  TemporaryFolder folder_;
  std::filesystem::path model_ = folder_ / "model";
  std::filesystem::path pictures_ = folder_ / "pictures";
  std::map<std::string, std::string> environment_;
};

/// File names of the "path" members of JSON lines, in order.
std::vector<std::string> names_of(const std::vector<nlohmann::json>& lines);

}  // namespace beeld::testing
