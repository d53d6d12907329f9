#pragma once

#include <beeld/image.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "multimodal/index/database.h"

namespace beeld {

/// What tells an unchanged file from a changed one without reading it.
struct FileStamp {
  std::int64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;  ///< Of its last change of any kind: tools may set the other time back.
  bool operator==(const FileStamp&) const = default;
};

/// The stamp of a picture that is to be tried again in the next update, whatever its file says.
constexpr FileStamp try_again{-1, -1, -1};

/// One row of the table of pictures, and what becomes of the picture with one model.
struct PictureRecord {
  std::int64_t id = 0;  ///< Given by the index.
  std::string path = {};
  FileStamp stamp = {};
  std::string hash = {};  ///< SHA-256 of the content, hex; empty where it could not be read.
  std::optional<std::int64_t> taken = {};
  std::optional<Place> place = {};
  std::string damage = {};  ///< What is wrong with a picture that was read as far as it goes.

  std::string error = {};  ///< Why the model has no embedding of it.
  bool embedded = false;   ///< The model has one.
  bool gone = false;       ///< The file was not there at the last update.
};

/// The columns of `pictures` that picture_at() reads, in its order.
constexpr const char* picture_columns =
    "id, path, size, mtime_ns, ctime_ns, hash, taken, latitude, longitude, damage, pictures.checksum, gone";
constexpr int picture_column_count = 12;

/// The row that a statement stands on, its path as stored. Throws Error(corrupt) for a wrong checksum.
PictureRecord picture_at(const Statement& statement);

/// What is stored beside an embedding, or beside the reason why there is none.
std::int64_t embedding_checksum(std::int64_t key, std::string_view error, std::string_view vector);

/// Writes rows with their checksums; ids and paths as they are to be stored.
class RowWriter {
 public:
  explicit RowWriter(const Database& database);

  /// Adds a picture, or overwrites the one of this id.
  void write(const PictureRecord& picture);

  /// Adds or overwrites; an empty vector goes with an error.
  void write(std::int64_t key, std::string_view error, std::string_view vector);

 private:
  Statement picture_, embedding_;
};

}  // namespace beeld
