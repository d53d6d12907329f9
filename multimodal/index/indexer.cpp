#include "multimodal/index/indexer.h"

#include <beeld/error.h>

#include <utility>

namespace beeld {

namespace {

PictureEncoder checked(PictureEncoder encoder) {
  if (encoder.model.dimension == 0)
    throw Error(ErrorCode::invalid_argument, "[index] expected a model with embeddings, got dimension 0");
  return encoder;
}

}  // namespace

Indexer::Indexer(std::filesystem::path file, PictureEncoder encoder)
    : file_(std::move(file)),
      encoder_(checked(std::move(encoder))),
      readers_(file_, encoder_.model),
      vectors_(file_) {}

IndexedPictures Indexer::read_all(const std::vector<std::filesystem::path>& folders) const {
  const Snapshot snapshot(readers_);
  IndexedPictures pictures{{}, Matrix(0, encoder_.model.dimension)};
  auto& [paths, embeddings] = pictures;
  for (const auto& range : ranges_below(folders)) {
    snapshot.table().for_each_embedding(
        range, [&](std::int64_t, const std::string& path, std::span<const float> row) {
          paths.emplace_back(path);
          embeddings.values.insert(embeddings.values.end(), row.begin(), row.end());
        });
  }
  embeddings.rows = paths.size();
  return pictures;
}

std::size_t Indexer::size() const { return snapshot().table().size(); }

}  // namespace beeld
