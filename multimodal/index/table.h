#pragma once

#include <algorithm>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "multimodal/index/database.h"
#include "multimodal/index/paths.h"
#include "multimodal/index/rows.h"
#include "multimodal/index/schema.h"

namespace beeld {

/// The pictures of an index, and their embeddings by one model, through one connection; their paths as
/// known_path() gives them. Not for use by several threads at once.
///
/// Every function may throw Error: corrupt or io; and invalid_argument once another process has started the
/// model's embeddings again.
class PictureTable {
 public:
  PictureTable(const Database& database, const ModelIdentity& model, const std::string& library);

  /// The number of the model in this index, from 1.
  std::int64_t model() const { return model_; }

  /// Grows with every change of the embeddings; also makes sure that the library is still the same.
  std::int64_t generation();

  using VisitPicture = std::function<void(const PictureRecord&)>;

  /// All rows of a range, in bytewise order of their paths.
  void for_each(const PathRange& range, const VisitPicture& visit);

  /// The same, without `error` and `embedded`, and without rows whose files are gone.
  void for_each_present(const PathRange& range, const VisitPicture& visit);

  /// Ids of all rows of a range; reads nothing but the index of paths.
  void for_each_id(const PathRange& range, const std::function<void(std::int64_t)>& visit);

  /// Ids and hashes of pictures whose files are gone.
  void for_each_gone(const std::function<void(std::int64_t id, std::string_view hash)>& visit);

  using VisitEmbedding =
      std::function<void(std::int64_t id, const std::string& path, std::span<const float>)>;

  /// All readable pictures of a range whose files are there, in bytewise order of their paths.
  void for_each_embedding(const PathRange& range, const VisitEmbedding& visit);

  /// The same of all ranges, in ascending order of id; `path` is empty.
  void for_each_embedding(const VisitEmbedding& visit);

  /// The row of a path, or of an id; `id` is 0 where there is none.
  PictureRecord find(const std::string& path);
  PictureRecord find(std::int64_t id);

  /// A picture with this content that has an embedding; 0 where there is none.
  std::int64_t with_content(const std::string& hash);

  /// A picture that has an embedding; false where there is none of this id.
  bool read(std::int64_t id, PictureRecord& picture, std::span<float> embedding);

  /// Number of readable pictures whose files are there.
  std::size_t size();

  /// Adds a picture or overwrites what is known of its path; returns its id. An empty embedding means
  /// unreadable. Where the content is new, the embeddings of all models are forgotten, and those of `copied`,
  /// a picture with the same content, are taken instead.
  std::int64_t write(const PictureRecord& picture, std::span<const float> embedding, std::int64_t copied = 0);

  /// Changes what is known of a path beside its content.
  void restamp(const PictureRecord& picture);

  /// Moves the row of `id` to the picture's path, whatever was there.
  void rename(std::int64_t id, const PictureRecord& picture);

  void set_gone(std::int64_t id, bool gone);

  void erase(std::int64_t id);

  /// Begins a new generation where embeddings were changed since the last call; to be called before the
  /// transaction that changed them is committed.
  void advance_generation();

 private:
  enum class Changed { nothing, own, all };  // whose embeddings

  std::int64_t key(std::int64_t id) const { return first_key(model_) + id; }
  void copy_embedding(std::int64_t id, const Statement& statement, int column,
                      std::span<float> embedding) const;
  PictureRecord write_row(const PictureRecord& picture);
  void copy_other_models(const PictureRecord& picture, std::int64_t source, std::int64_t id);
  void erase_embeddings(std::int64_t id);
  void note(Changed changed) { changed_ = std::max(changed_, changed); }

  const Database& database_;
  StoredPaths paths_;
  std::string library_;
  std::size_t dimension_;
  std::int64_t model_;
  Changed changed_ = Changed::nothing;
  RowWriter rows_;
  Statement meta_, find_, find_id_, with_content_, read_, keys_, hash_, embedding_, next_id_, set_gone_,
      erase_embeddings_, erase_;
};

}  // namespace beeld
