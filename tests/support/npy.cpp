#include "tests/support/npy.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
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

  const auto field = [&](const std::string& before, char end) {
    const auto start = header.find(before);
    if (start == std::string::npos) fail("a field is missing");
    const auto first = start + before.size();
    return header.substr(first, header.find(end, first) - first);
  };
  const std::string type = field("'descr': '", '\'');
  std::istringstream shape(field("'shape': (", ')'));

  Array array;
  std::size_t count = 1;
  char comma = ',';
  for (std::size_t extent = 0; shape >> extent; shape >> comma) {
    array.shape.push_back(extent);
    count *= extent;
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
