#pragma once

#include "core/format/safetensors.h"

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace beeld {

/// The tensors of a checkpoint, whether it is one file or shards with an index; safetensors, or pickled by
/// torch, which are read as tensors only (core/format/pickled_file.h).
class Checkpoint {
 public:
  /// Opens the first of `file_names` that exists in `folder`, or else the only pickled file there; a name
  /// that ends in `.json` is an index of shards.
  ///
  /// Throws Error: not_found (naming what was looked for, and pickled files where there are several),
  /// unsupported, corrupt, limit, or io.
  static Checkpoint open(const std::filesystem::path& folder, std::span<const char* const> file_names);

  /// Opens one file, pickled if its name says so, or the `.index.json` of shards that lie beside it.
  explicit Checkpoint(const std::filesystem::path& file);

  /// The file, or the index.
  const std::filesystem::path& path() const { return path_; }

  /// The tensor called `name`, or nullptr. With an index only the tensors that it lists are found.
  const TensorEntry* find(std::string_view name) const;

  std::vector<std::string> names() const;  ///< sorted

  /// Gives back the memory of what was read so far, once weights have been copied into another order.
  void forget_pages() const;

  /// A fingerprint of the content, 64 hex digits: SHA-256 over each file's name, size and header, and over
  /// up to three 4 KiB samples of every tensor, so that gigabytes are not read at every start.
  std::string digest() const;

 private:
  struct File {
    std::shared_ptr<MappedFile> mapping;
    std::string_view header;
    std::map<std::string, TensorEntry, std::less<>> tensors;
  };
  static File open_file(const std::filesystem::path& file);
  void add_shards(const std::filesystem::path& index);

  std::filesystem::path path_;
  std::map<std::string, File> files_;  ///< by file name
  std::map<std::string, TensorEntry, std::less<>> tensors_;
};

}  // namespace beeld
