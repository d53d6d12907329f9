#pragma once

#include <beeld/index.h>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "multimodal/index/current_vectors.h"
#include "multimodal/index/readers.h"

namespace beeld {

struct ScanRequest;

/// What an index needs of a model.
struct PictureEncoder {
  ModelIdentity model;
  std::function<Pixels(const Image&)> preprocess = {};         ///< Called from several threads at once.
  std::function<Matrix(std::span<const Pixels>)> encode = {};  ///< [N] pictures to [N,D].
  int picture_edge = 0;                                        ///< of the pictures that the model sees
};

/// The index behind beeld::Index, whose header says what the functions do; safe for use by several threads at
/// once, whose searches run side by side.
class Indexer {
 public:
  Indexer(std::filesystem::path file, PictureEncoder encoder);

  UpdateSummary update(const std::vector<std::filesystem::path>& folders, const UpdateOptions& options);

  std::vector<Match> search(std::span<const float> query, std::size_t count, float min_score,
                            const std::vector<std::filesystem::path>& folders) const;

  /// Without files that are gone, as Index::search.
  std::vector<Match> search(std::span<const float> query, const SearchOptions& options) const;

  IndexedPictures read_all(const std::vector<std::filesystem::path>& folders) const;

  std::size_t size() const;
  bool writable() const { return readers_.writable(); }

  /// The index as it is now: what every function above reads.
  Snapshot snapshot() const { return Snapshot(readers_); }

 private:
  VectorsKey key_of(const Snapshot& snapshot) const;
  std::optional<std::vector<Match>> search(const Snapshot& snapshot, const ScanRequest& request,
                                           const PictureFilter& filter) const;
  std::vector<Match> best(std::span<const float> unit_query, const SearchOptions& options) const;

  std::filesystem::path file_;
  PictureEncoder encoder_;
  mutable Readers readers_;
  mutable CurrentVectors vectors_;
};

}  // namespace beeld
