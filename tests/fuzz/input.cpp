#include "tests/fuzz/input.h"

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "tests/support/temporary_folder.h"

namespace beeld::fuzz {

std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

std::vector<std::string_view> parts_of(std::string_view input, std::size_t count) {
  std::vector<std::string_view> parts(count);
  for (std::size_t i = 0; i + 1 < count; ++i) {
    const auto end = std::min(input.find(separator), input.size());
    parts[i] = input.substr(0, end);
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  parts.back() = input;
  return parts;
}

const std::filesystem::path& scratch_folder() {
  static const testing::TemporaryFolder folder;
  return folder.path();
}

std::filesystem::path write_scratch(const char* name, std::string_view content) {
  auto path = scratch_folder() / name;
  std::ofstream stream(path, std::ios::binary);
  stream.write(content.data(), static_cast<std::streamsize>(content.size()));
  if (!stream.flush()) throw std::runtime_error("cannot write " + path.string());
  return path;
}

}  // namespace beeld::fuzz
