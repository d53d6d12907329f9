#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "multimodal/index/database.h"
#include "multimodal/index/paths.h"
#include "multimodal/index/picture_files.h"
#include "multimodal/index/schema.h"

namespace beeld {

/// One row of the index.
struct PictureRecord {
  std::int64_t id = 0;  ///< Given by the index.
  std::string path = {};
  FileStamp stamp = {};
  std::string hash = {};   ///< SHA-256 of the content, hex; empty where it could not be read.
  std::string error = {};  ///< Empty where the picture is readable.
};

/// The stamp of a picture that is to be tried again in the next update, whatever its file says.
constexpr FileStamp try_again{-1, -1};

/// The pictures of one library, through one connection. Not for use by several threads at once.
///
/// Every function may throw Error: corrupt or io; and invalid_argument once another process has started the
/// index again for another model.
class PictureTable {
 public:
  PictureTable(const Database& database, const ModelIdentity& model, std::string library);

  /// Grows with every change of the embeddings; also makes sure that the library is still the same.
  std::int64_t generation();

  /// All rows of a range, in bytewise order of their paths.
  void for_each(const PathRange& range, const std::function<void(const PictureRecord&)>& visit);

  /// Ids of all rows of a range; reads nothing but the index of paths.
  void for_each_id(const PathRange& range, const std::function<void(std::int64_t)>& visit);

  using VisitEmbedding = std::function<void(std::int64_t id, std::string_view path, std::span<const float>)>;

  /// All readable pictures of a range, in bytewise order of their paths.
  void for_each_embedding(const PathRange& range, const VisitEmbedding& visit);

  /// All readable pictures in ascending order of id; `path` is empty.
  void for_each_embedding(const VisitEmbedding& visit);

  /// Ids and paths of up to 64 readable pictures with this content, that of `path` first.
  std::vector<PictureRecord> with_content(const std::string& hash, const std::string& path);

  /// A readable picture's path and embedding; false where there is none of this id.
  bool read(std::int64_t id, std::string& path, std::span<float> embedding);

  /// Number of readable pictures.
  std::size_t size();

  /// Adds a picture or overwrites what is known of its path. An empty embedding means unreadable.
  void write(const PictureRecord& record, std::span<const float> embedding);

  /// Changes only the stamp of a path.
  void restamp(const PictureRecord& record);

  void erase(std::int64_t id);

  /// Begins a new generation where embeddings were changed since the last call; to be called before the
  /// transaction that changed them is committed.
  void advance_generation();

 private:
  void copy_embedding(std::string_view bytes, std::span<float> embedding) const;

  const Database& database_;
  std::string library_;
  std::size_t dimension_;
  bool embeddings_changed_ = false;
  Statement meta_, rows_, with_content_, read_, write_, restamp_, write_embedding_, erase_embedding_, erase_;
};

}  // namespace beeld
