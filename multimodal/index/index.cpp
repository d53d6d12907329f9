#include <beeld/error.h>
#include <beeld/index.h>
#include <beeld/store.h>

#include <utility>

#include "multimodal/index/indexer.h"

namespace beeld {

Index::Index(std::unique_ptr<Indexer> indexer) : indexer_(std::move(indexer)) {}
Index::Index(Index&&) noexcept = default;
Index& Index::operator=(Index&&) noexcept = default;
Index::~Index() = default;

Index Index::open(const std::filesystem::path& file, const Model& model, bool reindex) {
  const auto& info = model.info();
  if (!info.has_images) {
    throw Error(ErrorCode::unsupported,
                "[index] " + model_reference(info.folder) + " (" + info.family + ") embeds texts only, not pictures");
  }
  PictureEncoder encoder{{model_reference(info.folder), info.fingerprint, info.dimension},
                         [model](const Image& image) { return model.preprocess(image); },
                         [model](std::span<const Pixels> pixels) { return model.encode_pixels(pixels); },
                         info.image_size};
  const auto other = reindex ? OtherModel::start_again : OtherModel::refuse;
  return Index(std::make_unique<Indexer>(file, std::move(encoder), other));
}

UpdateSummary Index::update(const std::vector<std::filesystem::path>& folders, const UpdateOptions& options) {
  return indexer_->update(folders, options);
}

std::vector<Match> Index::search(std::span<const float> query, std::size_t count, float min_score,
                                 const std::vector<std::filesystem::path>& folders) const {
  return indexer_->search(query, count, min_score, folders);
}

IndexedPictures Index::read_all(const std::vector<std::filesystem::path>& folders) const {
  return indexer_->read_all(folders);
}

std::size_t Index::size() const { return indexer_->size(); }

}  // namespace beeld
