#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace beeld::safetensors {

/// What a header says about one tensor; only its form has been checked.
struct HeaderEntry {
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;  ///< in bytes, from the start of the data
  std::uint64_t end = 0;
};

struct Header {
  std::map<std::string, HeaderEntry> tensors;
  std::map<std::string, std::string> metadata;
};

/// Parses a file's JSON header without building a document, so that a hostile one costs no more memory than
/// its own length. Throws Error(corrupt), naming `file`, for anything but the exact form: unique names, each
/// with `dtype`, `shape` and `data_offsets` once, and metadata of strings.
Header parse_header(std::string_view text, const std::string& file);

}  // namespace beeld::safetensors
