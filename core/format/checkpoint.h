#pragma once

#include "core/format/safetensors.h"

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace beeld {

/// The tensors of a checkpoint, whether it is one safetensors file or shards with an index.
class Checkpoint {
 public:
  /// Opens the first of `file_names` that exists in `folder`; a name that ends in `.json` is an index of
  /// shards. Pickled checkpoints are never read, because they can run code.
  ///
  /// Throws Error: not_found (naming what was looked for), unsupported (only a pickled checkpoint is there),
  /// corrupt, or io.
  static Checkpoint open(const std::filesystem::path& folder, std::span<const char* const> file_names);

  /// Opens one .safetensors file, or the `.index.json` of shards that lie beside it.
  explicit Checkpoint(const std::filesystem::path& file);

  /// The tensor called `name`, or nullptr. With an index only the tensors that it lists are found.
  const TensorEntry* find(std::string_view name) const;

  std::vector<std::string> names() const;  ///< sorted

  /// Gives back the memory of what was read so far, once weights have been copied into another order.
  void forget_pages() const;

  /// A fingerprint of the content, 64 hex digits: SHA-256 over each file's name, size and header, and over
  /// up to three 4 KiB samples of every tensor, so that gigabytes are not read at every start.
  std::string digest() const;

 private:
  void add_shards(const std::filesystem::path& index);

  std::map<std::string, SafetensorsFile> files_;  ///< by file name
  std::map<std::string, TensorEntry, std::less<>> tensors_;
};

}  // namespace beeld
