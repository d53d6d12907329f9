#include <beeld/index.h>

#include <utility>

#include "multimodal/index/indexer.h"

namespace beeld {

struct Index::State {
  State(const std::filesystem::path& file, PictureEncoder encoder, OtherModel other, int edge)
      : indexer(file, std::move(encoder), other), picture_edge(edge) {}

  Indexer indexer;
  int picture_edge;  // that the model sees
};

Index::Index(std::unique_ptr<State> state) : state_(std::move(state)) {}
Index::Index(Index&&) noexcept = default;
Index& Index::operator=(Index&&) noexcept = default;
Index::~Index() = default;

Index Index::open(const std::filesystem::path& file, const Model& model, bool reindex) {
  const auto& info = model.info();
  PictureEncoder encoder{{info.name, info.fingerprint, info.dimension},
                         [model](const Image& image) { return model.preprocess(image); },
                         [model](std::span<const Pixels> pixels) { return model.encode_pixels(pixels); }};
  const auto other = reindex ? OtherModel::start_again : OtherModel::refuse;
  return Index(std::make_unique<State>(file, std::move(encoder), other, info.image_size));
}

UpdateSummary Index::update(const std::vector<std::filesystem::path>& folders, const UpdateOptions& options) {
  auto update = options;
  if (update.decoding.target_edge == 0) update.decoding.target_edge = state_->picture_edge;
  return state_->indexer.update(folders, update);
}

std::vector<Match> Index::search(std::span<const float> query, std::size_t count, float min_score,
                                 const std::vector<std::filesystem::path>& folders) const {
  return state_->indexer.search(query, count, min_score, folders);
}

void Index::read_all(std::vector<std::filesystem::path>& paths, Matrix& embeddings,
                     const std::vector<std::filesystem::path>& folders) const {
  state_->indexer.read_all(paths, embeddings, folders);
}

std::size_t Index::size() const { return state_->indexer.size(); }

}  // namespace beeld
