#pragma once

#include <beeld/error.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

namespace beeld::fuzz {

/// What stands between the files that one input holds.
constexpr char separator = '\0';

std::string_view text_of(const std::uint8_t* data, std::size_t size);

/// The input cut at its first `count - 1` separators; parts that are missing are empty.
std::vector<std::string_view> parts_of(std::string_view input, std::size_t count);

/// A folder of this process, under $TMPDIR, that is removed at its end.
const std::filesystem::path& scratch_folder();

/// Writes a file into the scratch folder.
std::filesystem::path write_scratch(const char* name, std::string_view content);

/// Reading a damaged file may fail, in the library's one way; whatever else is thrown ends the process.
template <typename Action>
void allow_errors(const Action& action) {
  try {
    action();
  } catch (const Error&) {
  }
}

}  // namespace beeld::fuzz
