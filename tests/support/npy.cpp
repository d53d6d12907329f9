#include "tests/support/npy.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <regex>
#include <stdexcept>
#include <string>

namespace beeld::testing {

namespace {

template <class T>
void widen(const std::string& file, std::size_t offset, std::vector<double>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, file.data() + offset + i * sizeof(T), sizeof(T));
    values[i] = static_cast<double>(value);
  }
}

}  // namespace

Array read_npy(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::string file((std::istreambuf_iterator<char>(stream)), {});
  const auto fail = [&](const char* what) { throw std::runtime_error(path.string() + ": " + what); };
  if (file.size() < 10 || file.compare(0, 6, "\x93NUMPY") != 0 || file[6] != 1)
    fail("not a .npy file of version 1");
  const std::size_t length = static_cast<unsigned char>(file[8]) + 256u * static_cast<unsigned char>(file[9]);
  if (file.size() < 10 + length) fail("truncated header");
  const std::string header = file.substr(10, length);

  std::smatch match;
  if (!std::regex_search(header, match, std::regex(R"('descr': '([^']+)')"))) fail("no descr");
  const std::string type = match[1];
  if (!std::regex_search(header, match, std::regex(R"('shape': \(([^)]*)\))"))) fail("no shape");
  const std::string shape = match[1];

  Array array;
  std::size_t count = 1;
  const std::regex number(R"(\d+)");
  for (std::sregex_iterator it(shape.begin(), shape.end(), number), end; it != end; ++it) {
    array.shape.push_back(std::stoul(it->str()));
    count *= array.shape.back();
  }
  const std::size_t width = type == "|u1" ? 1 : type == "<i8" ? 8 : 4;
  if (file.size() != 10 + length + count * width) fail("size does not fit the shape");
  array.values.resize(count);
  if (type == "<f4")
    widen<float>(file, 10 + length, array.values);
  else if (type == "<i8")
    widen<std::int64_t>(file, 10 + length, array.values);
  else if (type == "<i4")
    widen<std::int32_t>(file, 10 + length, array.values);
  else if (type == "|u1")
    widen<std::uint8_t>(file, 10 + length, array.values);
  else
    fail("unexpected type");
  return array;
}

}  // namespace beeld::testing
