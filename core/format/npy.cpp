#include "core/format/npy.h"

#include "core/base/files.h"

#include <beeld/error.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace beeld {

static_assert(std::endian::native == std::endian::little, "float32 is written as <f4");

namespace {

constexpr std::string_view magic{"\x93NUMPY", 6};
constexpr std::size_t alignment = 64;

/// The header's fields; those of a dictionary literal of Python with exactly these three keys.
struct Header {
  std::string descr;
  std::string fortran_order;
  std::vector<std::uint64_t> shape;
};

/// Reads the part of Python's literal syntax that numpy writes into headers.
class HeaderReader {
 public:
  HeaderReader(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  Header read() {
    Header header;
    int seen = 0;
    expect('{');
    while (!accept('}')) {
      const auto key = quoted();
      expect(':');
      if (key == "descr")
        header.descr = quoted();
      else if (key == "fortran_order")
        header.fortran_order = word();
      else if (key == "shape")
        header.shape = tuple();
      else
        corrupt("unknown key " + key);
      seen |= key == "descr" ? 1 : key == "shape" ? 2 : 4;
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (!text_.empty()) corrupt("something follows the dictionary");
    if (seen != 7) corrupt("expected descr, fortran_order and shape");
    return header;
  }

 private:
  [[noreturn]] void corrupt(const std::string& fact) const {
    throw Error(ErrorCode::corrupt, "[npy] " + file_ + ": header: " + fact);
  }

  void skip_space() {
    const auto start = text_.find_first_not_of(" \n");
    text_.remove_prefix(start == std::string_view::npos ? text_.size() : start);
  }

  bool accept(char wanted) {
    skip_space();
    if (!text_.starts_with(wanted)) return false;
    text_.remove_prefix(1);
    return true;
  }

  void expect(char wanted) {
    if (!accept(wanted)) corrupt(std::string("expected ") + wanted);
  }

  std::string take(std::size_t count) {
    std::string taken(text_.substr(0, count));
    text_.remove_prefix(count);
    return taken;
  }

  std::string quoted() {
    skip_space();
    const char quote = text_.empty() ? '\0' : text_.front();
    if (quote != '\'' && quote != '"') corrupt("expected a string");
    text_.remove_prefix(1);
    const auto end = text_.find(quote);
    if (end == std::string_view::npos) corrupt("a string has no end");
    auto value = take(end);
    text_.remove_prefix(1);
    return value;
  }

  std::string word() {
    skip_space();
    const auto end = text_.find_first_of(", }\n");
    return take(std::min(end, text_.size()));
  }

  std::vector<std::uint64_t> tuple() {
    std::vector<std::uint64_t> values;
    expect('(');
    while (!accept(')')) {
      skip_space();
      std::uint64_t value = 0;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
      if (error != std::errc()) corrupt("expected a dimension");
      text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
      values.push_back(value);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return values;
  }

  std::string_view text_;
  const std::string& file_;
};

[[noreturn]] void unsupported(const std::string& file, const std::string& expected, const std::string& got) {
  throw Error(ErrorCode::unsupported, "[npy] " + file + ": expected " + expected + ", got " + got);
}

/// Splits the file's bytes into header and data.
std::string_view header_text(std::string_view content, const std::string& file, std::string_view& data) {
  const auto corrupt = [&](const std::string& fact) -> Error {
    return {ErrorCode::corrupt, "[npy] " + file + ": " + fact};
  };
  if (content.size() < 10 || !content.starts_with(magic)) throw corrupt("expected a .npy file");
  const auto version = static_cast<unsigned char>(content[6]);
  if (version < 1 || version > 3) unsupported(file, "format 1 to 3", std::to_string(version));
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  if (content.size() < 8 + length_bytes) throw corrupt("truncated in its header");
  std::uint32_t length = 0;
  std::memcpy(&length, content.data() + 8, length_bytes);
  const auto rest = content.substr(8 + length_bytes);
  if (length > rest.size()) {
    throw corrupt("the header claims " + std::to_string(length) + " bytes, the file has " +
                  std::to_string(rest.size()));
  }
  data = rest.substr(length);
  return rest.substr(0, length);
}

}  // namespace

void write_npy(const std::filesystem::path& path, const Matrix& matrix) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(matrix.rows) +
                       ", " + std::to_string(matrix.columns) + "), }";
  const std::size_t before = magic.size() + 4;
  const auto padded = (before + header.size() + 1 + alignment - 1) / alignment * alignment;
  header.append(padded - before - header.size() - 1, ' ');
  header += '\n';

  std::string start(magic);
  start += '\x01';
  start += '\0';
  start += static_cast<char>(header.size() & 0xff);
  start += static_cast<char>(header.size() >> 8);
  const std::string_view values(reinterpret_cast<const char*>(matrix.values.data()),
                                matrix.values.size() * sizeof(float));
  write_file_atomically(path, std::array<std::string_view, 3>{start, header, values});
}

Matrix read_npy(const std::filesystem::path& path) {
  const auto file = path.string();
  const MappedFile mapping(path);
  const std::string_view content(reinterpret_cast<const char*>(mapping.bytes().data()),
                                 mapping.bytes().size());
  std::string_view data;
  const auto header = HeaderReader(header_text(content, file, data), file).read();

  if (header.descr != "<f4") unsupported(file, "float32 (<f4)", header.descr);
  if (header.fortran_order != "False") unsupported(file, "C order", "fortran_order " + header.fortran_order);
  if (header.shape.size() != 2) {
    unsupported(file, "2 dimensions", std::to_string(header.shape.size()));
  }
  std::uint64_t bytes = sizeof(float);
  const bool overflow = __builtin_mul_overflow(bytes, header.shape[0], &bytes) ||
                        __builtin_mul_overflow(bytes, header.shape[1], &bytes);
  if (overflow || bytes != data.size()) {
    throw Error(ErrorCode::corrupt, "[npy] " + file + ": the shape (" + std::to_string(header.shape[0]) +
                                        ", " + std::to_string(header.shape[1]) +
                                        ") does not fit the file's " + std::to_string(data.size()) +
                                        " bytes of data");
  }
  Matrix matrix(header.shape[0], header.shape[1]);
  if (!data.empty()) std::memcpy(matrix.values.data(), data.data(), data.size());
  return matrix;
}

}  // namespace beeld
