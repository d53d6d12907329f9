#pragma once

#include <filesystem>
#include <memory>
#include <mutex>

#include "multimodal/index/table.h"
#include "multimodal/index/vectors.h"

namespace beeld {

/// The file of vectors of one of its models beside an index.
std::filesystem::path vectors_file(const std::filesystem::path& index, std::int64_t model = 1);

/// The vectors beside the index, for the state `table` shows in the transaction that is open on it: the file
/// as it is, or written anew where it is absent, stale or damaged. Throws Error(io) where it cannot be.
std::shared_ptr<const Vectors> vectors_beside(const std::filesystem::path& index, PictureTable& table,
                                              const VectorsKey& key);

/// Verifies all of the file of vectors beside the index; false where it was not right, or of another state,
/// and has been written anew.
bool make_right(const std::filesystem::path& index, PictureTable& table, const VectorsKey& key);

/// The vectors of an index for its searches. Where their file cannot be written (a read-only folder, a full
/// disk) it is made in the folder for temporary files, else in memory, and lasts as long as it is in use.
/// Safe for use by several threads at once: those that need new vectors wait for the one that makes them.
class CurrentVectors {
 public:
  explicit CurrentVectors(std::filesystem::path index);

  /// The vectors for the state that `table` shows in the transaction that is open on it. Null where those of
  /// a newer state have been asked for already: searches that meet an update must not write the file in
  /// turns.
  std::shared_ptr<const Vectors> get(PictureTable& table, const VectorsKey& key);

  /// The same where `wrong`, which get() gave, turned out not to hold the embeddings: written anew.
  std::shared_ptr<const Vectors> replace(const Vectors& wrong, PictureTable& table, const VectorsKey& key);

 private:
  /// What is known of the file that is there: header and size are looked at, or it does not hold the
  /// embeddings.
  enum class Present { trusted, wrong };

  bool is_outdated(const VectorsKey& key) const;
  std::shared_ptr<const Vectors> make(PictureTable& table, const VectorsKey& key, Present present);

  std::filesystem::path index_;

  std::mutex mutex_;
  std::shared_ptr<const Vectors> vectors_;
  VectorsKey key_;  // of vectors_
};

}  // namespace beeld
