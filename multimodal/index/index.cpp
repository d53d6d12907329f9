#include <beeld/error.h>
#include <beeld/index.h>
#include <beeld/store.h>

#include <utility>

#include "multimodal/index/check.h"
#include "multimodal/index/indexer.h"

namespace beeld {

Index::Index(std::unique_ptr<Indexer> indexer) : indexer_(std::move(indexer)) {}
Index::Index(Index&&) noexcept = default;
Index& Index::operator=(Index&&) noexcept = default;
Index::~Index() = default;

Index Index::open(const std::filesystem::path& file, const Model& model) {
  const auto& info = model.info();
  if (!info.has_images) {
    throw Error(ErrorCode::unsupported, "[index] " + model_reference(info.folder) + " (" + info.family +
                                            ") embeds texts only, not pictures");
  }
  PictureEncoder encoder{{model_reference(info.folder), info.fingerprint, info.dimension},
                         [model](const Image& image) { return model.preprocess(image); },
                         [model](std::span<const Pixels> pixels) { return model.encode_pixels(pixels); },
                         info.image_size};
  return Index(std::make_unique<Indexer>(file, std::move(encoder)));
}

IndexCheck Index::check(const std::filesystem::path& file) { return check_index(file); }

std::vector<IndexedModel> Index::models(const std::filesystem::path& file) {
  std::vector<IndexedModel> models;
  for (const auto& [id, identity] : models_of(Database::open(file, DatabaseAccess::read_write)))
    models.push_back({identity.name, identity.fingerprint});
  return models;
}

void Index::drop_model(const std::filesystem::path& file, const std::string& model) {
  const auto database = Database::open(file, DatabaseAccess::read_write);
  std::string known;
  for (const auto& row : models_of(database)) {
    if (row.identity.name == model || (!model.empty() && row.identity.fingerprint.starts_with(model))) {
      beeld::drop_model(database, row);
      std::error_code ignored;
      std::filesystem::remove(vectors_file(file, row.id), ignored);
      return;
    }
    known += (known.empty() ? "" : ", ") + row.identity.name;
  }
  throw Error(ErrorCode::not_found, "[index] " + file.string() + ": holds no embeddings of " + model +
                                        (known.empty() ? std::string() : ", but of " + known));
}

UpdateSummary Index::update(const std::vector<std::filesystem::path>& folders, const UpdateOptions& options) {
  return indexer_->update(folders, options);
}

std::vector<Match> Index::search(std::span<const float> query, std::size_t count, float min_score,
                                 const std::vector<std::filesystem::path>& folders) const {
  return search(query, {.count = count, .min_score = min_score, .filter = {.folders = folders}});
}

std::vector<Match> Index::search(std::span<const float> query, const SearchOptions& options) const {
  return indexer_->search(query, options);
}

IndexedPictures Index::read_all(const std::vector<std::filesystem::path>& folders) const {
  return indexer_->read_all(folders);
}

std::size_t Index::size() const { return indexer_->size(); }

bool Index::writable() const { return indexer_->writable(); }

}  // namespace beeld
