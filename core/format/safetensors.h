#pragma once

#include "core/base/files.h"
#include "core/tensor/dtype.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace beeld {

/// A tensor as it lies in a file.
struct TensorEntry {
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  std::span<std::byte> bytes;         ///< Row-major, little-endian, possibly not aligned for its type.
  std::shared_ptr<const void> owner;  ///< Keeps `bytes` alive.
};

/// One .safetensors file, memory-mapped; changes to the bytes stay in this process.
///
/// The file is hostile input: the header may be at most 100 MB, and the tensors must cover the data exactly,
/// without overlaps and holes, as in the reference implementation.
class SafetensorsFile {
 public:
  /// Throws Error: not_found, io, corrupt, or unsupported (a type that DType does not have).
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::map<std::string, TensorEntry, std::less<>>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  std::shared_ptr<MappedFile> mapping() const { return mapping_; }

  /// The JSON header's bytes, padding included.
  std::string_view header() const { return header_; }

 private:
  std::shared_ptr<MappedFile> mapping_;
  std::string_view header_;
  std::map<std::string, TensorEntry, std::less<>> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// A tensor to be written.
struct TensorData {
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;  ///< Row-major, little-endian.
};

/// Writes tensors and metadata to a file that appears at once or not at all. The data begins at a multiple
/// of 64 bytes; tensors of wider elements come first, so that every one is aligned for its type.
///
/// Throws Error: invalid_argument (a size that does not follow from shape and type, or the reserved name
/// `__metadata__`) or io.
void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, TensorData, std::less<>>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace beeld
