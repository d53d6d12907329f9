#include "multimodal/training/teacher.h"

#include <beeld/error.h>

#include <cmath>
#include <numeric>
#include <unordered_map>
#include <vector>

#include "core/base/digest.h"
#include "core/format/named_tensors.h"
#include "core/ops/rows.h"
#include "multimodal/data/shards.h"

namespace beeld {

namespace {

Tensor<float> unit(const Matrix& rows) {
  Tensor<float> x({static_cast<std::int64_t>(rows.rows), static_cast<std::int64_t>(rows.columns)});
  std::copy(rows.values.begin(), rows.values.end(), x.data());
  Pass<float> pass;
  return l2_normalize(x, pass);
}

/// One source's pictures, in the order of the shards. Keys alone would not tell them apart: shards may use
/// the same ones.
struct ImageRows {
  Tensor<float> rows;                  // [N,D]; zeros where a picture could not be read
  std::vector<std::string> keys;       // [N]
  std::vector<std::size_t> first_row;  // of each shard

  std::size_t row_of(const TrainingSample& sample) const {
    return first_row[sample.place.shard] + sample.place.sample;
  }
};

ImageRows rows_of(const TrainingSource& source) {
  ImageRows images;
  for (const auto& shard : source.shards) {
    images.first_row.push_back(images.keys.size());
    ShardReader reader({shard});
    while (const auto sample = reader.next()) images.keys.push_back(sample->key);
  }
  return images;
}

/// Of a model and the images that it embeds.
std::string digest_of(const Model& model, const std::vector<std::string>& keys) {
  Digest digest;
  digest.add(model.info().fingerprint);
  for (const auto& key : keys) digest.add(key + "\n");
  return digest.hex().substr(0, 16);
}

bool read_cached(const std::filesystem::path& file, Tensor<float>& rows) {
  if (!std::filesystem::exists(file)) return false;
  const SafetensorsFile stored(file);
  const auto it = stored.tensors().find("images");
  if (it == stored.tensors().end()) return false;
  const Checkpoint checkpoint(file);
  WeightReader reader(checkpoint, file.string(), WeightUse::training);
  rows = reader.read("images", rows.shape());
  return true;
}

void embed_images(const Model& model, const TrainingSource& source, Tensor<float>& rows,
                  const std::function<void(std::size_t)>& progress) {
  constexpr std::size_t at_once = 64;
  ShardReader reader(source.shards);
  std::int64_t row = 0;
  std::vector<Image> images;
  std::vector<std::int64_t> places;
  const auto flush = [&] {
    if (images.empty()) return;
    const auto embedded = unit(model.encode_images(images));
    for (std::size_t i = 0; i < places.size(); ++i)
      std::copy_n(embedded.row(static_cast<std::int64_t>(i)), rows.columns(), rows.row(places[i]));
    images.clear();
    places.clear();
    progress(static_cast<std::size_t>(row));
  };
  while (const auto sample = reader.next()) {
    try {
      images.push_back(decode_image(sample->image, {.orientation = Orientation::ignore}, sample->key));
      places.push_back(row);
    } catch (const Error&) {
      // The training data names it; the teacher has no opinion of it.
    }
    ++row;
    if (images.size() == at_once) flush();
  }
  flush();
}

}  // namespace

struct Teacher::State {
  Model model;
  std::vector<ImageRows> sources;
  std::unordered_map<std::string, Tensor<float>> texts;

  explicit State(Model teacher) : model(std::move(teacher)) {}

  void add_texts(std::span<const TrainingSample> samples) {
    std::vector<std::string> missing;
    for (const auto& sample : samples) {
      if (!sources[sample.source].rows.empty() && texts.try_emplace(sample.text).second)
        missing.push_back(sample.text);
    }
    if (missing.empty()) return;
    const auto rows = unit(model.encode_texts(missing));
    for (std::size_t i = 0; i < missing.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i);
      texts[missing[i]] = rows.slice(row, row + 1).clone();
    }
  }
};

Teacher::Teacher(Model model, std::span<const Source> sources, const RunFiles& files,
                 const std::function<void(std::size_t)>& progress)
    : state_(std::make_unique<State>(std::move(model))) {
  std::filesystem::create_directories(files.state());
  const auto width = static_cast<std::int64_t>(dimension());
  std::size_t embedded = 0;
  const auto count = [&](std::size_t done) {
    if (progress) progress(embedded + done);
  };
  for (const auto& [source, taught] : sources) {
    auto& images = state_->sources.emplace_back();
    if (!taught) continue;
    images = rows_of(*source);
    images.rows = Tensor<float>::zeros({static_cast<std::int64_t>(images.keys.size()), width});
    const auto file = files.teacher_cache(source->name, digest_of(state_->model, images.keys));
    if (read_cached(file, images.rows)) continue;
    embed_images(state_->model, *source, images.rows, count);
    embedded += images.keys.size();
    const NamedTensor stored{"images", {images.rows.rows(), width}, images.rows};
    write_named_tensors(file, std::span(&stored, 1), DType::f16);
    // As later calls will read them: rounded.
    read_cached(file, images.rows);
  }
}

Teacher::~Teacher() = default;

std::size_t Teacher::dimension() const { return state_->model.info().dimension; }

TeacherPairs<float> Teacher::pairs(std::span<const TrainingSample> samples) {
  state_->add_texts(samples);
  const auto count = static_cast<std::int64_t>(samples.size()),
             width = static_cast<std::int64_t>(dimension());
  TeacherPairs<float> pairs{Tensor<float>::zeros({count, width}), Tensor<float>::zeros({count, width}),
                            std::log(state_->model.info().logit_scale)};
  for (std::int64_t i = 0; i < count; ++i) {
    const auto& sample = samples[static_cast<std::size_t>(i)];
    const auto& images = state_->sources[sample.source];
    if (images.rows.empty()) continue;
    const auto row = images.row_of(sample);
    if (row >= images.keys.size() || images.keys[row] != sample.key) {
      throw Error(ErrorCode::corrupt,
                  "[teacher] " + sample.key + ": expected the same samples as at the start");
    }
    std::copy_n(images.rows.row(static_cast<std::int64_t>(row)), width, pairs.images.row(i));
    std::copy_n(state_->texts.at(sample.text).data(), width, pairs.texts.row(i));
  }
  return pairs;
}

}  // namespace beeld
