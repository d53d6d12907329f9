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

/// Encodes inputs in tasks side by side; a single one is spread over all threads instead.
template <class Input, class Encode>
Matrix encode_in_tasks(std::span<const Input> inputs, std::int64_t largest_task, std::size_t width,
                       const Encode& encode_some) {
  Matrix result(inputs.size(), width);
  const auto count = static_cast<std::int64_t>(inputs.size());
  const auto share = (count + thread_count() - 1) / std::max(thread_count(), 1);
  const auto task = std::clamp<std::int64_t>(share, 1, largest_task);
  parallel_for((count + task - 1) / task, 1, [&](std::int64_t first_task, std::int64_t last_task) {
    for (auto i = first_task * task; i < std::min(last_task * task, count); i += task) {
      const auto some =
          inputs.subspan(static_cast<std::size_t>(i), static_cast<std::size_t>(std::min(task, count - i)));
      Pass<float> pass;
      pass.workers = count == 1 ? Workers::all : Workers::one;
      const auto rows = encode_some(some, pass);  // [B,>=D]
      for (std::int64_t b = 0; b < rows.rows(); ++b) {
        std::copy_n(rows.row(b), width, result[static_cast<std::size_t>(i + b)].begin());
      }
    }
  });
  return result;
}

}  // namespace

Model::Model(std::shared_ptr<const State> state) : state_(std::move(state)) {}

Model Model::load(const std::filesystem::path& folder, const LoadOptions& options) {
  return Model(load_checkpoint(folder, options));
}

const ModelInfo& Model::info() const { return state_->info(); }

Pixels Model::preprocess(const Image& image) const { return beeld::preprocess(image, state_->preprocess()); }

Matrix Model::encode_pixels(std::span<const Pixels> pixels) const {
  const auto& tower = state_->vision();
  return encode_in_tasks<Pixels>(pixels, pictures_a_task, info().dimension,
                                 [&](auto some, Pass<float>& pass) { return encode(tower, some, pass); });
}

Matrix Model::encode_images(std::span<const Image> images) const {
  std::vector<Pixels> pixels(images.size());
  parallel_for(static_cast<std::int64_t>(images.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      pixels[i] = preprocess(images[i]);
    }
  });
  return encode_pixels(pixels);
}

Matrix Model::encode_texts(std::span<const std::string> texts) const {
  const auto& words = tokenizer();
  std::vector<std::vector<std::int32_t>> ids;
  std::int64_t tokens = 0;
  for (const auto& text : texts) {
    ids.push_back(words.encode(text));
    tokens += static_cast<std::int64_t>(ids.back().size());
  }
  const auto texts_a_task =
      std::max<std::int64_t>(tokens_a_task * ids.size() / std::max<std::int64_t>(tokens, 1), 1);
  const auto& tower = state_->text();
  return encode_in_tasks<std::vector<std::int32_t>>(
      ids, texts_a_task, info().dimension,
      [&](auto some, Pass<float>& pass) { return encode(tower, some, pass); });
}

Matrix Model::classify_pixels(std::span<const Pixels> pixels) const {
  if (!state_->has_classifier()) {
    throw Error(ErrorCode::unsupported, "[classify] " + info().name + " has no classifier of its own");
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
                "[text] " + info().name + " (" + info().family + ") has no text tower");
  }
  return *state_->tokenizer();
}

void set_threads(int threads) { set_thread_count(threads); }

}  // namespace beeld
