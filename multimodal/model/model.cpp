#include <beeld/error.h>
#include <beeld/model.h>

#include <algorithm>

#include "core/base/parallel.h"
#include "multimodal/model/model_state.h"

namespace beeld {

namespace {

// A task takes so many inputs at once: enough rows for an efficient product, few enough to keep all threads
// busy and their activations in the second-level cache.
constexpr std::int64_t pictures_a_task = 8;
constexpr std::int64_t tokens_a_task = 512;

/// Calls encode_some(first, inputs, pass) for tasks of inputs side by side; a single one is spread over all
/// threads instead.
template <class Input, class Encode>
void for_each_task(std::span<const Input> inputs, std::int64_t largest_task, const Encode& encode_some) {
  const auto count = static_cast<std::int64_t>(inputs.size());
  const auto share = (count + thread_count() - 1) / std::max(thread_count(), 1);
  const auto task = std::clamp<std::int64_t>(share, 1, largest_task);
  parallel_for((count + task - 1) / task, 1, [&](std::int64_t first_task, std::int64_t last_task) {
    for (auto i = first_task * task; i < std::min(last_task * task, count); i += task) {
      const auto first = static_cast<std::size_t>(i);
      Pass<float> pass;
      pass.workers = count == 1 ? Workers::all : Workers::one;
      encode_some(first, inputs.subspan(first, static_cast<std::size_t>(std::min(task, count - i))), pass);
    }
  });
}

/// Encodes inputs in tasks: -> [N,width]
template <class Input, class Encode>
Matrix encode_in_tasks(std::span<const Input> inputs, std::int64_t largest_task, std::size_t width,
                       const Encode& encode_some) {
  Matrix result(inputs.size(), width);
  for_each_task(inputs, largest_task, [&](std::size_t first, auto some, Pass<float>& pass) {
    const auto rows = encode_some(some, pass);  // [B,>=D]
    for (std::int64_t b = 0; b < rows.rows(); ++b) {
      std::copy_n(rows.row(b), width, result[first + static_cast<std::size_t>(b)].begin());
    }
  });
  return result;
}

/// The last hidden states of a tower for all inputs. `features` says which rows are whose, and takes them.
template <class Tower, class Input>
void fill_token_features(const Tower& tower, std::span<const Input> inputs, std::int64_t largest_task,
                         TokenFeatures& features) {
  const auto& items = features.items;
  const auto count = items.empty() ? 0 : items.back().begin + items.back().count;
  features.rows = Matrix(count, static_cast<std::size_t>(tower.config.block.width));
  for_each_task(inputs, largest_task, [&](std::size_t first, auto some, Pass<float>& pass) {
    const auto states = hidden_states(tower, some, pass);
    std::copy_n(states.rows.data(), states.rows.size(), features.rows[items[first].begin].begin());
  });
}

std::size_t size(std::int64_t extent) { return static_cast<std::size_t>(extent); }

std::int64_t texts_a_task(std::span<const std::vector<std::int32_t>> texts) {
  std::int64_t tokens = 0;
  for (const auto& text : texts) tokens += static_cast<std::int64_t>(text.size());
  const auto count = static_cast<std::int64_t>(texts.size());
  return std::max<std::int64_t>(tokens_a_task * count / std::max<std::int64_t>(tokens, 1), 1);
}

std::vector<std::vector<std::int32_t>> ids_of(std::span<const std::string> texts,
                                              const Tokenizer& tokenizer) {
  std::vector<std::vector<std::int32_t>> ids;
  for (const auto& text : texts) ids.push_back(tokenizer.encode(text));
  return ids;
}

std::vector<Pixels> preprocess_all(std::span<const Image> images, const Model& model) {
  std::vector<Pixels> pixels(images.size());
  parallel_for(static_cast<std::int64_t>(images.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      pixels[i] = model.preprocess(images[i]);
    }
  });
  return pixels;
}

}  // namespace

Model::Model(std::shared_ptr<const State> state) : state_(std::move(state)) {}

Model Model::load(const std::filesystem::path& folder, const LoadOptions& options) {
  return Model(load_checkpoint(folder, options));
}

const ModelInfo& Model::info() const { return state_->info(); }

Pixels Model::preprocess(const Image& image) const {
  state_->require_images();
  return beeld::preprocess(image, state_->preprocess());
}

Matrix Model::encode_pixels(std::span<const Pixels> pixels) const {
  const auto& tower = state_->vision();
  return encode_in_tasks<Pixels>(pixels, pictures_a_task, info().dimension,
                                 [&](auto some, Pass<float>& pass) { return encode(tower, some, pass); });
}

Matrix Model::encode_images(std::span<const Image> images) const {
  return encode_pixels(preprocess_all(images, *this));
}

Matrix Model::encode_texts(std::span<const std::string> texts) const {
  const auto ids = ids_of(texts, tokenizer());
  const auto& tower = state_->text();
  return encode_in_tasks<std::vector<std::int32_t>>(
      ids, texts_a_task(ids), info().dimension,
      [&](auto some, Pass<float>& pass) { return encode(tower, some, pass); });
}

TokenFeatures Model::token_features(std::span<const Pixels> pixels) const {
  const auto& tower = state_->vision();
  const auto tokens = read_images(tower.config, pixels, {}, WantedRows::all);
  TokenFeatures features;
  for (std::size_t b = 0; b < pixels.size(); ++b) {
    const auto& rows = tokens.sequences[static_cast<std::int64_t>(b)];
    features.items.push_back({size(rows.begin),
                              size(rows.length),
                              size(tokens.special),
                              size(tokens.grids[b].rows),
                              size(tokens.grids[b].columns),
                              {}});
  }
  fill_token_features(tower, pixels, pictures_a_task, features);
  return features;
}

TokenFeatures Model::token_features(std::span<const Image> images) const {
  return token_features(preprocess_all(images, *this));
}

TokenFeatures Model::token_features(std::span<const std::string> texts) const {
  const auto ids = ids_of(texts, tokenizer());
  const auto& tower = state_->text();
  const auto tokens = read_texts(tower.config, ids, WantedRows::all);
  TokenFeatures features;
  for (const auto& rows : tokens.sequences) {
    TokenFeatures::Item item{.begin = size(rows.begin), .count = size(rows.length), .ids = {}};
    item.ids.assign(tokens.ids.begin() + rows.begin, tokens.ids.begin() + rows.end());
    features.items.push_back(std::move(item));
  }
  fill_token_features<TextTower<float>, std::vector<std::int32_t>>(tower, ids, texts_a_task(ids), features);
  return features;
}

Matrix Model::classify_pixels(std::span<const Pixels> pixels) const {
  if (!state_->has_classifier()) {
    throw Error(ErrorCode::unsupported,
                "[classify] " + info().folder.string() + " has no classifier of its own");
  }
  const auto& tower = state_->vision();
  const auto& head = state_->classifier();
  const auto classes = static_cast<std::size_t>(head.weight.rows());
  return encode_in_tasks<Pixels>(pixels, pictures_a_task, classes, [&](auto some, Pass<float>& pass) {
    return linear(encode(tower, some, pass), head, pass);
  });
}

const Tokenizer& Model::tokenizer() const {
  if (!state_->tokenizer()) {
    throw Error(ErrorCode::unsupported,
                "[text] " + info().folder.string() + " (" + info().family + ") has no text tower");
  }
  return *state_->tokenizer();
}

void set_threads(int threads) { set_thread_count(threads); }

}  // namespace beeld
