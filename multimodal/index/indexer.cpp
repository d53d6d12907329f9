#include "multimodal/index/indexer.h"

#include <beeld/error.h>

#include <utility>

namespace beeld {

Indexer::Indexer(std::filesystem::path file, PictureEncoder encoder, OtherModel other)
    : file_(std::move(file)), encoder_(std::move(encoder)), database_(Database::open(file_)) {
  if (encoder_.model.dimension == 0)
    throw Error(ErrorCode::invalid_argument, "[index] expected a model with embeddings, got dimension 0");
  adopt(database_, other);
}

std::string Indexer::adopt(const Database& database, OtherModel other, const DecodeOptions* decoding) {
  std::unique_lock lock(reading_, std::defer_lock);
  // An index that starts again changes its library: no search may see the new one with the old table.
  if (other == OtherModel::start_again) lock.lock();
  auto library = adopt_index(database, encoder_.model, other, decoding);
  if (!lock) lock.lock();
  if (table_ && library == library_) return library;
  library_ = library;
  table_ = std::make_unique<PictureTable>(database_, encoder_.model, library_);
  vectors_.reset();
  return library;
}

}  // namespace beeld
