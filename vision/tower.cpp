#include "vision/tower.h"

#include <beeld/error.h>

#include <algorithm>
#include <string>

#include "core/ops/rows.h"
#include "vision/patches.h"

namespace beeld {

namespace {

void check(const Pixels& picture, const VisionConfig& config) {
  const auto grid = grid_of(picture, config.patch);
  const bool sized = config.image_height == 0 || config.fit != GridFit::none ||
                     (picture.height == config.image_height && picture.width == config.image_width);
  if (!sized || grid.rows == 0 || grid.columns == 0 ||
      picture.values.size() != std::size_t{3} * picture.height * picture.width) {
    throw Error(ErrorCode::invalid_argument,
                "[vision] pixels of " + std::to_string(picture.width) + "x" + std::to_string(picture.height) +
                    "; the model reads " + std::to_string(config.image_width) + "x" +
                    std::to_string(config.image_height) + " in patches of " + std::to_string(config.patch));
  }
}

/// Class token and registers in front of each picture's patches, and a position added to every token that has
/// one: [patches,C] -> [N,C]
template <class T>
Tensor<T> place_tokens(const VisionTower<T>& w, const Tensor<T>& patches, std::span<const Pixels> pictures,
                       const Sequences& sequences) {
  const auto& config = w.config;
  const auto width = patches.columns();
  const auto grid_positions = w.positions.slice(config.positioned_tokens, w.positions.rows());  // [grid,C]
  auto grid = config.positions;
  auto positions = grid_positions;  // [grid of the picture, C]
  Tensor<T> x({sequences.rows(), width});
  const T* patch = patches.data();
  for (std::size_t b = 0; b < pictures.size(); ++b) {
    if (const auto needed = grid_of(pictures[b], config.patch); needed != grid) {
      grid = needed;
      positions = grid == config.positions ? grid_positions
                                           : fit_grid(grid_positions, config.positions, grid, config.fit);
    }
    T* row = x.row(sequences.begin[b]);
    for (int i = 0; i < config.prefix(); ++i, row += width) {
      std::copy_n(w.prefix.row(i), width, row);
      if (i < config.positioned_tokens)
        std::transform(row, row + width, w.positions.row(i), row, std::plus<T>());
    }
    const auto values = positions.size();
    std::transform(patch, patch + values, positions.data(), row, std::plus<T>());
    patch += values;
  }
  return x;
}

/// SigLIP's pooling: the probe asks, all tokens answer: [N,C] -> [B,C]
template <class T>
Tensor<T> pool_by_probe(const Tensor<T>& x, const ProbePool<T>& w, Pass<T>& pass) {
  const auto keys = pass.sequences;
  const auto queries = Sequences::equal(keys.count(), 1);
  const std::vector<std::int64_t> same(static_cast<std::size_t>(keys.count()), 0);
  const auto asking = gather<T>(w.probe, same, pass);  // [B,C]
  const auto attended = multi_head_attention<T>({asking, x, queries, keys}, w.config, w.attention, pass);
  auto y = linear(attended, w.attention.output, pass);  // [B,C]
  const auto h = mlp(norm(y, w.norm, pass), w.config, w.mlp, pass);
  return add(std::move(y), h, {}, pass);
}

std::vector<std::int64_t> first_rows(const Sequences& sequences) {
  return {sequences.begin.begin(), sequences.begin.end() - 1};
}

template <class T>
Tensor<T> beside(const Tensor<T>& left, const Tensor<T>& right) {
  Tensor<T> both({left.rows(), left.columns() + right.columns()});
  for (std::int64_t i = 0; i < left.rows(); ++i) {
    std::copy_n(right.row(i), right.columns(), std::copy_n(left.row(i), left.columns(), both.row(i)));
  }
  return both;
}

/// All blocks, the norm and the pooling: [N,C] -> [B,C], or [B,2C]
template <class T>
Tensor<T> encode_and_pool(Tensor<T> x, const VisionTower<T>& w, Pass<T>& pass) {
  const auto sequences = pass.sequences;
  const auto normed = [&](Tensor<T> y, OutputNorm place) {
    return w.config.output_norm == place ? norm(y, w.output_norm, pass) : y;
  };
  if (w.config.pool == VisionPool::first_token) {
    x = transformer<T>(std::move(x), w.encoder, pass, first_rows(sequences));  // [B,C]
    return w.config.output_norm == OutputNorm::absent ? x : norm(x, w.output_norm, pass);
  }
  x = normed(transformer(std::move(x), w.encoder, pass), OutputNorm::before_pooling);  // [N,C]
  if (w.config.pool == VisionPool::probe) {
    x = pool_by_probe(x, w.probe, pass);
  } else {
    auto mean = mean_rows(x, w.config.prefix(), pass);
    x = w.config.pool == VisionPool::mean ? mean : beside(gather<T>(x, first_rows(sequences), pass), mean);
  }
  return normed(std::move(x), OutputNorm::after_pooling);
}

}  // namespace

template <class T>
Tensor<T> encode(const VisionTower<T>& tower, std::span<const Pixels> pictures, Pass<T>& pass) {
  const auto& config = tower.config;
  pass.sequences = {};
  for (const auto& picture : pictures) {
    check(picture, config);
    const auto grid = grid_of(picture, config.patch);
    pass.sequences.append(config.prefix() + std::int64_t{grid.rows} * grid.columns);
  }
  const auto patches = linear(patchify(pictures, config.patch, pass), tower.patch_embedding, pass);
  auto x = place_tokens(tower, patches, pictures, pass.sequences);  // [N,C]
  if (config.input_norm == InputNorm::present) x = norm(x, tower.input_norm, pass);
  x = encode_and_pool(std::move(x), tower, pass);                             // [B,C]
  return tower.projection.present() ? linear(x, tower.projection, pass) : x;  // [B,D]
}

void pack(VisionTower<float>& tower) {
  pack(tower.patch_embedding);
  pack(tower.encoder);
  if (tower.config.pool == VisionPool::probe) {
    for (auto* weights : {&tower.probe.attention.query, &tower.probe.attention.key_value,
                          &tower.probe.attention.output, &tower.probe.mlp.up, &tower.probe.mlp.down}) {
      pack(*weights);
    }
  }
  if (tower.projection.present()) pack(tower.projection);
}

template Tensor<float> encode(const VisionTower<float>&, std::span<const Pixels>, Pass<float>&);
template Tensor<double> encode(const VisionTower<double>&, std::span<const Pixels>, Pass<double>&);

}  // namespace beeld
