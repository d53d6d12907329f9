#pragma once

#include <beeld/index.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "multimodal/index/table.h"
#include "multimodal/index/vectors.h"

namespace beeld {

struct ScanRequest;

/// What is known of the file of vectors that is there: header and size are looked at, or it turned out not to
/// hold the embeddings.
enum class VectorsFile { trusted, wrong };

/// What an index needs of a model.
struct PictureEncoder {
  ModelIdentity model;
  std::function<Pixels(const Image&)> preprocess;         ///< Called from several threads at once.
  std::function<Matrix(std::span<const Pixels>)> encode;  ///< [N] pictures to [N,D].
};

/// The index behind beeld::Index; safe for use by several threads at once.
class Indexer {
 public:
  Indexer(std::filesystem::path file, PictureEncoder encoder, OtherModel other = OtherModel::refuse);

  UpdateSummary update(const std::vector<std::filesystem::path>& folders, const UpdateOptions& options);

  std::vector<Match> search(std::span<const float> query, std::size_t count, float min_score,
                            const std::vector<std::filesystem::path>& folders) const;

  void read_all(std::vector<std::filesystem::path>& paths, Matrix& embeddings,
                const std::vector<std::filesystem::path>& folders) const;

  std::size_t size() const;

 private:
  std::string adopt(const Database& database, OtherModel other, const DecodeOptions* decoding = nullptr);
  std::shared_ptr<const Vectors> vectors(VectorsFile present) const;
  std::vector<bool> rows_below(const Vectors& vectors,
                               const std::vector<std::filesystem::path>& folders) const;
  std::optional<std::vector<Match>> rank(const Vectors& vectors, const ScanRequest& request) const;

  std::filesystem::path file_;
  PictureEncoder encoder_;
  std::string library_;

  // One connection for reading, used under the mutex; an update opens its own.
  mutable std::mutex reading_;
  Database database_;
  mutable std::unique_ptr<PictureTable> table_;
  mutable std::shared_ptr<const Vectors> vectors_;
  mutable std::int64_t vectors_generation_ = 0;
};

/// The file of vectors beside an index.
std::filesystem::path vectors_file(const std::filesystem::path& index);

/// The vectors beside the index, for the state `table` shows in the transaction that is open on it: the file
/// as it is, or written anew where it is absent, stale or damaged. Throws Error(io) where it cannot be.
std::shared_ptr<const Vectors> vectors_beside(const std::filesystem::path& index, PictureTable& table,
                                              const VectorsKey& key);

/// The same, but where the file cannot be written (a read-only folder, a full disk) it is made in the folder
/// for temporary files and lasts as long as the result. A wrong file is written anew.
std::shared_ptr<const Vectors> current_vectors(const std::filesystem::path& index, PictureTable& table,
                                               const VectorsKey& key, VectorsFile present);

}  // namespace beeld
