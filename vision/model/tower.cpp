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

/// The angles of rotary positions: those of patches by their place, none of the tokens before them: -> [N,P]
template <class T>
Rotation<T> rotation_of(const VisionConfig& config, const ImageTokens& tokens) {
  const auto& attention = config.block.attention;
  if (attention.position != PositionScheme::rotary) return {};
  std::vector<RotaryPlace> places;
  for (std::size_t b = 0; b < tokens.grids.size(); ++b) {
    const auto grid = tokens.grids[b];
    const auto all = grid_places(grid.rows, grid.columns, config.rotary_grid);
    places.resize(places.size() + static_cast<std::size_t>(tokens.special));
    for_each_kept(grid, tokens.kept, b,
                  [&](std::int64_t place) { places.push_back(all[static_cast<std::size_t>(place)]); });
  }
  // Half of the channels turn by rows, half by columns.
  return rotation<T>(places, rotary_frequencies({attention.head_width / 2, attention.rotary.base}));
}

/// The patches alone, where class token and registers are not pooled.
template <class T>
Tensor<T> patches_of(const Tensor<T>& x, const ImageTokens& tokens, Pass<T>& pass) {
  if (tokens.special == 0) return x;
  std::vector<std::int64_t> rows;
  for (const auto& image : tokens.sequences) {
    for (auto row = image.begin + tokens.special; row < image.end(); ++row) rows.push_back(row);
  }
  return gather<T>(x, rows, pass);
}

/// The sequences of those.
Sequences patch_sequences(const ImageTokens& tokens) {
  Sequences patches;
  for (const auto& image : tokens.sequences) patches.append(image.length - tokens.special);
  return patches;
}

/// (x + y) / 2
template <class T>
Tensor<T> mean_of(const Tensor<T>& x, const Tensor<T>& y, Pass<T>& pass) {
  Tensor<T> half({x.columns()});
  std::fill_n(half.data(), half.size(), T(0.5));
  return add(add(Tensor<T>::zeros(x.shape()), x, half, pass), y, half, pass);
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

/// The mean of the patches asks, it and they answer: [N,C] -> [B,C]
template <class T>
Tensor<T> pool_by_mean_query(const Tensor<T>& x, const Sequences& patches, const MeanQueryPool<T>& w,
                             Pass<T>& pass) {
  Sequences keys;
  std::vector<std::int64_t> places;
  for (const auto& picture : patches) {
    keys.append(1 + picture.length);
    for (std::int64_t place = 0; place < 1 + picture.length; ++place) places.push_back(place);
  }
  auto tokens = prepend(mean_rows(x, patches, 0, pass), x, patches, pass);  // [B+N,C]
  tokens = add(std::move(tokens), gather<T>(w.positions, places, pass), {}, pass);
  const auto asking = gather<T>(tokens, keys.first_rows(), pass);  // [B,C]
  const auto queries = Sequences::equal(keys.count(), 1);
  return multi_head_attention<T>({asking, tokens, queries, keys}, w.config, w.attention, pass);
}

/// What a network makes of pictures: -> [patches,C]. Without a tape one after the other, so that its maps
/// stay in the cache.
template <class T>
Tensor<T> convolved(const VisionTower<T>& tower, const ImageTokens& tokens, Pass<T>& pass) {
  if (!tokens.kept.empty()) {
    throw Error(ErrorCode::invalid_argument, "[vision] patches that come out of convolutions are all read");
  }
  const auto check = [&](const FeatureMaps<T>& maps, std::size_t b) {
    if (maps.height == tokens.grids[b].rows && maps.width == tokens.grids[b].columns) return;
    throw Error(ErrorCode::invalid_argument, "[vision] convolutions give " + std::to_string(maps.width) +
                                                 "x" + std::to_string(maps.height) + " patches; expected " +
                                                 std::to_string(tokens.grids[b].columns) + "x" +
                                                 std::to_string(tokens.grids[b].rows));
  };
  if (pass.tape) {
    const auto maps = convolve(maps_of<T>(tokens.images), tower.network, pass);
    check(maps, 0);
    return maps.rows;
  }
  const auto patches = tokens.sequences.rows() - tokens.sequences.count() * tower.config.prefix();
  Tensor<T> all({patches, tower.config.block.width});
  T* to = all.data();
  for (std::size_t b = 0; b < tokens.images.size(); ++b) {
    const auto maps = convolve(maps_of<T>(tokens.images.subspan(b, 1)), tower.network, pass);
    check(maps, b);
    to = std::copy_n(maps.rows.data(), maps.rows.size(), to);
  }
  return all;
}

/// Whether the last block is to compute the first row of each picture alone.
bool reads_first_rows(const VisionConfig& config, const ImageTokens& tokens) {
  return tokens.wanted == WantedRows::pooled && config.pool == VisionPool::first_token;
}

}  // namespace

ImageTokens read_images(const VisionConfig& config, std::span<const Pixels> images, KeptPatches kept,
                        WantedRows wanted) {
  if (!kept.empty() && kept.size() != images.size()) {
    throw Error(ErrorCode::invalid_argument, "[vision] kept patches of " + std::to_string(kept.size()) +
                                                 " pictures for " + std::to_string(images.size()));
  }
  ImageTokens tokens{wanted, images, kept, {}, config.prefix(), {}};
  for (std::size_t b = 0; b < images.size(); ++b) {
    check(images[b], config);
    tokens.grids.push_back(grid_of(images[b], config.patch));
    tokens.sequences.append(config.prefix() + kept_count(tokens.grids.back(), kept, b));
  }
  return tokens;
}

template <class T>
Tensor<T> embed(const VisionTower<T>& tower, const ImageTokens& tokens, Pass<T>& pass) {
  const bool by_network = tower.config.embedding == PatchEmbedding::convolutions;
  const auto patches = by_network ? convolved(tower, tokens, pass)
                                  : linear(patchify(tokens.images, tower.config.patch, tokens.kept, pass),
                                           tower.patch_embedding, pass);
  const bool placed = tower.config.prefix() > 0 || !tower.positions.empty();
  const auto x = placed ? place_tokens(tower, patches, tokens, pass) : patches;  // [N,C]
  return tower.config.input_norm == InputNorm::present ? norm(x, tower.input_norm, pass) : x;
}

template <class T>
Tensor<T> encode(const VisionTower<T>& tower, Tensor<T> x, const ImageTokens& tokens, Pass<T>& pass) {
  const auto& config = tower.config;
  std::vector<std::int64_t> wanted;
  if (reads_first_rows(config, tokens)) wanted = tokens.sequences.first_rows();
  const auto turns = rotation_of<T>(config, tokens);
  const TransformerInput<T> input{tokens.sequences, wanted, turns.empty() ? nullptr : &turns};
  x = transformer<T>(std::move(x), tower.encoder, input, pass);  // [N,C], or [B,C]
  return config.output_norm == OutputNorm::before_pooling ? norm(x, tower.output_norm, pass) : x;
}

template <class T>
Tensor<T> pool(const VisionTower<T>& tower, const Tensor<T>& x, const ImageTokens& tokens, Pass<T>& pass) {
  const auto& config = tower.config;
  const auto& sequences = tokens.sequences;
  const bool all = config.prefix_pooling == PrefixPooling::included;
  const auto skip = all ? 0 : tokens.special;
  Tensor<T> pooled;
  switch (config.pool) {
    case VisionPool::first_token:
      pooled = reads_first_rows(config, tokens) ? x : gather<T>(x, sequences.first_rows(), pass);
      break;
    case VisionPool::mean:
      pooled = mean_rows(x, sequences, skip, pass);
      break;
    case VisionPool::max:
      pooled = max_rows(x, sequences, skip, pass);
      break;
    case VisionPool::mean_and_max:
      pooled = mean_of(mean_rows(x, sequences, skip, pass), max_rows(x, sequences, skip, pass), pass);
      break;
    case VisionPool::probe:
      pooled = all ? pool_by_probe(x, sequences, tower.probe, pass)
                   : pool_by_probe(patches_of(x, tokens, pass), patch_sequences(tokens), tower.probe, pass);
      break;
    case VisionPool::first_and_mean: {
      const auto mean = mean_rows(x, sequences, tokens.special, pass);
      pooled = concat(gather<T>(x, sequences.first_rows(), pass), mean, pass);
      break;
    }
    case VisionPool::mean_query:
      pooled = pool_by_mean_query(x, sequences, tower.mean_query, pass);
      break;
  }
  return config.output_norm == OutputNorm::after_pooling ? norm(pooled, tower.output_norm, pass) : pooled;
}

template <class T>
Tensor<T> project(const VisionTower<T>& tower, const Tensor<T>& pooled, Pass<T>& pass) {
  return tower.projection.present() ? linear(pooled, tower.projection, pass) : pooled;
}

template <class T>
Tensor<T> encode(const VisionTower<T>& tower, std::span<const Pixels> images, Pass<T>& pass,
                 KeptPatches kept) {
  const auto tokens = read_images(tower.config, images, kept, WantedRows::pooled);
  auto x = embed(tower, tokens, pass);                        // [N,C]
  x = encode(tower, std::move(x), tokens, pass);              // [N,C], or [B,C]
  return project(tower, pool(tower, x, tokens, pass), pass);  // [B,D]
}

template <class T>
ImageStates<T> hidden_states(const VisionTower<T>& tower, std::span<const Pixels> images, Pass<T>& pass,
                             KeptPatches kept) {
  auto tokens = read_images(tower.config, images, kept, WantedRows::all);
  auto rows = encode(tower, embed(tower, tokens, pass), tokens, pass);
  return {std::move(tokens), std::move(rows)};
}

void pack(VisionTower<float>& tower, WeightType type) {
  if (tower.patch_embedding.present()) pack(tower.patch_embedding);
  pack(tower.network, type);
  pack(tower.encoder, type);
  if (tower.config.pool == VisionPool::probe) {
    for (auto* weights : {&tower.probe.attention.query, &tower.probe.attention.key_value,
                          &tower.probe.attention.output, &tower.probe.mlp.up, &tower.probe.mlp.down}) {
      pack(*weights, type);
    }
  }
  if (tower.config.pool == VisionPool::mean_query) {
    for (auto* weights : {&tower.mean_query.attention.query, &tower.mean_query.attention.key_value})
      pack(*weights, type);
  }
  if (tower.projection.present()) pack(tower.projection);
}

template Tensor<float> embed(const VisionTower<float>&, const ImageTokens&, Pass<float>&);
template Tensor<float> encode(const VisionTower<float>&, Tensor<float>, const ImageTokens&, Pass<float>&);
template Tensor<float> pool(const VisionTower<float>&, const Tensor<float>&, const ImageTokens&,
                            Pass<float>&);
template Tensor<float> project(const VisionTower<float>&, const Tensor<float>&, Pass<float>&);
template Tensor<float> encode(const VisionTower<float>&, std::span<const Pixels>, Pass<float>&, KeptPatches);
template ImageStates<float> hidden_states(const VisionTower<float>&, std::span<const Pixels>, Pass<float>&,
                                          KeptPatches);
template Tensor<double> embed(const VisionTower<double>&, const ImageTokens&, Pass<double>&);
template Tensor<double> encode(const VisionTower<double>&, Tensor<double>, const ImageTokens&, Pass<double>&);
template Tensor<double> pool(const VisionTower<double>&, const Tensor<double>&, const ImageTokens&,
                             Pass<double>&);
template Tensor<double> project(const VisionTower<double>&, const Tensor<double>&, Pass<double>&);
template Tensor<double> encode(const VisionTower<double>&, std::span<const Pixels>, Pass<double>&,
                               KeptPatches);
template ImageStates<double> hidden_states(const VisionTower<double>&, std::span<const Pixels>, Pass<double>&,
                                           KeptPatches);

}  // namespace beeld
