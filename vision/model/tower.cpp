#include "vision/model/tower.h"

#include <beeld/error.h>

#include <algorithm>
#include <string>

#include "core/ops/rows.h"
#include "vision/model/tokens.h"

namespace beeld {

namespace {

void check(const Pixels& image, const VisionConfig& config) {
  const auto grid = grid_of(image, config.patch);
  const bool sized = config.image_height == 0 || config.fit != GridFit::none ||
                     (image.height == config.image_height && image.width == config.image_width);
  if (!sized || grid.rows == 0 || grid.columns == 0 ||
      image.values.size() != std::size_t{3} * image.height * image.width) {
    throw Error(ErrorCode::invalid_argument,
                "[vision] pixels of " + std::to_string(image.width) + "x" + std::to_string(image.height) +
                    "; the model reads " + std::to_string(config.image_width) + "x" +
                    std::to_string(config.image_height) + " in patches of " + std::to_string(config.patch));
  }
}

/// SigLIP's pooling: the probe asks, all tokens answer: [N,C] -> [B,C]
template <class T>
Tensor<T> pool_by_probe(const Tensor<T>& x, const Sequences& keys, const ProbePool<T>& w, Pass<T>& pass) {
  const auto queries = Sequences::equal(keys.count(), 1);
  const std::vector<std::int64_t> same(static_cast<std::size_t>(keys.count()), 0);
  const auto asking = gather<T>(w.probe, same, pass);  // [B,C]
  const auto attended =
      multi_head_attention<T>({asking, x, queries, keys}, w.config.attention, w.attention, pass);
  auto y = linear(attended, w.attention.output, pass);  // [B,C]
  const auto h = mlp(norm(y, w.norm, pass), w.config, w.mlp, pass);
  return add(std::move(y), h, {}, pass);
}

/// All blocks, the norm and the pooling: [N,C] -> [B,C], or [B,2C]
template <class T>
Tensor<T> encode_and_pool(Tensor<T> x, const Sequences& sequences, const VisionTower<T>& w, Pass<T>& pass) {
  const auto normed = [&](Tensor<T> y, OutputNorm place) {
    return w.config.output_norm == place ? norm(y, w.output_norm, pass) : y;
  };
  if (w.config.pool == VisionPool::first_token) {
    x = transformer<T>(std::move(x), w.encoder, {sequences, sequences.first_rows()}, pass);  // [B,C]
    return w.config.output_norm == OutputNorm::absent ? x : norm(x, w.output_norm, pass);
  }
  x = normed(transformer(std::move(x), w.encoder, {sequences}, pass), OutputNorm::before_pooling);  // [N,C]
  if (w.config.pool == VisionPool::probe) {
    x = pool_by_probe(x, sequences, w.probe, pass);
  } else {
    auto mean = mean_rows(x, sequences, w.config.prefix(), pass);
    x = w.config.pool == VisionPool::mean ? mean
                                          : concat(gather<T>(x, sequences.first_rows(), pass), mean, pass);
  }
  return normed(std::move(x), OutputNorm::after_pooling);
}

}  // namespace

template <class T>
Tensor<T> encode(const VisionTower<T>& tower, std::span<const Pixels> images, Pass<T>& pass,
                 KeptPatches kept) {
  const auto& config = tower.config;
  if (!kept.empty() && kept.size() != images.size()) {
    throw Error(ErrorCode::invalid_argument, "[vision] kept patches of " + std::to_string(kept.size()) +
                                                 " pictures for " + std::to_string(images.size()));
  }
  Sequences sequences;
  for (std::size_t b = 0; b < images.size(); ++b) {
    check(images[b], config);
    sequences.append(config.prefix() + kept_count(grid_of(images[b], config.patch), kept, b));
  }
  const auto patches = linear(patchify(images, config.patch, kept, pass), tower.patch_embedding, pass);
  auto x = place_tokens(tower, patches, images, kept, pass);  // [N,C]
  if (config.input_norm == InputNorm::present) x = norm(x, tower.input_norm, pass);
  x = encode_and_pool(std::move(x), sequences, tower, pass);                  // [B,C]
  return tower.projection.present() ? linear(x, tower.projection, pass) : x;  // [B,D]
}

void pack(VisionTower<float>& tower, WeightType type) {
  pack(tower.patch_embedding);
  pack(tower.encoder, type);
  if (tower.config.pool == VisionPool::probe) {
    for (auto* weights : {&tower.probe.attention.query, &tower.probe.attention.key_value,
                          &tower.probe.attention.output, &tower.probe.mlp.up, &tower.probe.mlp.down}) {
      pack(*weights, type);
    }
  }
  if (tower.projection.present()) pack(tower.projection);
}

template Tensor<float> encode(const VisionTower<float>&, std::span<const Pixels>, Pass<float>&, KeptPatches);
template Tensor<double> encode(const VisionTower<double>&, std::span<const Pixels>, Pass<double>&,
                               KeptPatches);

}  // namespace beeld
