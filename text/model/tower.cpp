#include "text/model/tower.h"

#include <beeld/error.h>

#include <algorithm>
#include <string>

#include "core/ops/rows.h"

namespace beeld {

namespace {

/// The ids a tower has to read for one text, and which of them it is pooled at.
struct Reading {
  std::vector<std::int64_t> ids;
  std::int64_t pooled = 0;
};

Reading read(const std::vector<std::int32_t>& text, const TextConfig& config) {
  const auto length = static_cast<std::int64_t>(text.size());
  if (length == 0 || length > config.context_length) {
    throw Error(ErrorCode::invalid_argument, "[text] a text of " + std::to_string(length) +
                                                 " tokens; the model reads 1 to " +
                                                 std::to_string(config.context_length));
  }
  Reading reading{{text.begin(), text.end()}, 0};
  auto& ids = reading.ids;
  // The references pool over padded ids, so padding is there while the position is searched.
  ids.resize(static_cast<std::size_t>(config.context_length), config.pad_id);
  switch (config.pool) {
    case TextPool::first:
      break;
    case TextPool::last:
      reading.pooled = config.context_length - 1;
      break;
    case TextPool::largest_id:
      reading.pooled = std::max_element(ids.begin(), ids.end()) - ids.begin();
      break;
    case TextPool::end_token: {
      const auto end = std::find(ids.begin(), ids.end(), config.end_id);
      reading.pooled = end == ids.end() ? 0 : end - ids.begin();
      break;
    }
  }
  if (config.padding == TextPadding::none) {
    ids.resize(static_cast<std::size_t>(std::max(length, reading.pooled + 1)));
  }
  return reading;
}

}  // namespace

TextTokens read_texts(const TextConfig& config, std::span<const std::vector<std::int32_t>> texts,
                      WantedRows wanted) {
  // Under a causal mask nothing behind the pooled token can reach it.
  const bool cut = wanted == WantedRows::pooled && config.block.attention.mask == AttentionMask::causal;
  TextTokens tokens{.wanted = wanted, .ids = {}, .sequences = {}, .pooled = {}};
  for (const auto& text : texts) {
    auto reading = read(text, config);
    if (cut) reading.ids.resize(static_cast<std::size_t>(reading.pooled + 1));
    tokens.pooled.push_back(tokens.sequences.rows() + reading.pooled);
    tokens.ids.insert(tokens.ids.end(), reading.ids.begin(), reading.ids.end());
    tokens.sequences.append(static_cast<std::int64_t>(reading.ids.size()));
  }
  return tokens;
}

template <class T>
Tensor<T> embed(const TextTower<T>& tower, const TextTokens& tokens, Pass<T>& pass) {
  std::vector<std::int64_t> places;
  for (const auto& text : tokens.sequences) {
    for (auto place = text.first; place < text.next(); ++place) places.push_back(place);
  }
  auto x = gather<T>(tower.tokens, tokens.ids, pass);                         // [N,C]
  x = add(std::move(x), gather<T>(tower.positions, places, pass), {}, pass);  // [N,C]
  if (tower.config.segments == Segments::present) {
    const std::vector<std::int64_t> first_segment(tokens.ids.size(), 0);
    x = add(std::move(x), gather<T>(tower.segment, first_segment, pass), {}, pass);
  }
  return tower.config.embedding_norm == EmbeddingNorm::present ? norm(x, tower.embedding_norm, pass) : x;
}

template <class T>
Tensor<T> encode(const TextTower<T>& tower, Tensor<T> x, const TextTokens& tokens, Pass<T>& pass) {
  TransformerInput<T> input{tokens.sequences};
  if (tokens.wanted == WantedRows::pooled) input.wanted = tokens.pooled;
  x = transformer<T>(std::move(x), tower.encoder, input, pass);  // [N,C], or [B,C]
  return tower.config.final_norm == FinalNorm::present ? norm(x, tower.final_norm, pass) : x;
}

template <class T>
Tensor<T> pool(const Tensor<T>& x, const TextTokens& tokens, Pass<T>& pass) {
  return tokens.wanted == WantedRows::pooled ? x : gather<T>(x, tokens.pooled, pass);
}

template <class T>
Tensor<T> project(const TextTower<T>& tower, const Tensor<T>& pooled, Pass<T>& pass) {
  return tower.projection.present() ? linear(pooled, tower.projection, pass) : pooled;
}

template <class T>
Tensor<T> encode(const TextTower<T>& tower, std::span<const std::vector<std::int32_t>> texts, Pass<T>& pass) {
  const auto tokens = read_texts(tower.config, texts, WantedRows::pooled);
  auto x = embed(tower, tokens, pass);                 // [N,C]
  x = encode(tower, std::move(x), tokens, pass);       // [B,C]
  return project(tower, pool(x, tokens, pass), pass);  // [B,D]
}

template <class T>
TextStates<T> hidden_states(const TextTower<T>& tower, std::span<const std::vector<std::int32_t>> texts,
                            Pass<T>& pass) {
  auto tokens = read_texts(tower.config, texts, WantedRows::all);
  auto rows = encode(tower, embed(tower, tokens, pass), tokens, pass);
  return {std::move(tokens), std::move(rows)};
}

void pack(TextTower<float>& tower, WeightType type) {
  pack(tower.encoder, type);
  if (tower.projection.present()) pack(tower.projection);
}

template Tensor<float> embed(const TextTower<float>&, const TextTokens&, Pass<float>&);
template Tensor<float> encode(const TextTower<float>&, Tensor<float>, const TextTokens&, Pass<float>&);
template Tensor<float> pool(const Tensor<float>&, const TextTokens&, Pass<float>&);
template Tensor<float> project(const TextTower<float>&, const Tensor<float>&, Pass<float>&);
template Tensor<float> encode(const TextTower<float>&, std::span<const std::vector<std::int32_t>>,
                              Pass<float>&);
template TextStates<float> hidden_states(const TextTower<float>&, std::span<const std::vector<std::int32_t>>,
                                         Pass<float>&);
template Tensor<double> embed(const TextTower<double>&, const TextTokens&, Pass<double>&);
template Tensor<double> encode(const TextTower<double>&, Tensor<double>, const TextTokens&, Pass<double>&);
template Tensor<double> pool(const Tensor<double>&, const TextTokens&, Pass<double>&);
template Tensor<double> project(const TextTower<double>&, const Tensor<double>&, Pass<double>&);
template Tensor<double> encode(const TextTower<double>&, std::span<const std::vector<std::int32_t>>,
                               Pass<double>&);
template TextStates<double> hidden_states(const TextTower<double>&,
                                          std::span<const std::vector<std::int32_t>>, Pass<double>&);

}  // namespace beeld
