#include "text/model/tower.h"

#include <beeld/error.h>

#include <algorithm>
#include <string>

#include "core/ops/rows.h"

namespace beeld {

namespace {

/// The ids a tower has to read for one text, their positions, and which of them it is pooled at.
struct Reading {
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> places = {};
  std::int64_t pooled = 0;

  void cut(std::int64_t length) {
    ids.resize(static_cast<std::size_t>(length));
    places.resize(static_cast<std::size_t>(length));
  }
};

/// Whether one row of a text stands for it.
bool pools_one_row(const TextConfig& config) {
  return config.pool != TextPool::mean && config.pool != TextPool::max;
}

/// Gives every id its position, and leaves out padding where it is masked.
void place(Reading& reading, const TextConfig& config) {
  std::vector<std::int64_t> kept;
  std::int64_t index = 0, counted = 0;
  for (const auto id : reading.ids) {
    const bool padding = id == config.pad_id;
    const auto row =
        config.position_rule == PositionRule::index ? index : config.pad_id + (padding ? 0 : ++counted);
    ++index;
    if (padding && config.pads == PadTokens::masked) continue;
    kept.push_back(id);
    reading.places.push_back(row);
  }
  reading.ids = std::move(kept);
}

Reading read(const std::vector<std::int32_t>& text, const TextConfig& config) {
  const auto length = static_cast<std::int64_t>(text.size());
  if (length == 0 || length > config.context_length) {
    throw Error(ErrorCode::invalid_argument, "[text] a text of " + std::to_string(length) +
                                                 " tokens; the model reads 1 to " +
                                                 std::to_string(config.context_length));
  }
  Reading reading{.ids = {text.begin(), text.end()}};
  auto& ids = reading.ids;
  // The references pool over padded ids, so padding is there while the position is searched.
  ids.resize(static_cast<std::size_t>(config.context_length), config.pad_id);
  switch (config.pool) {
    case TextPool::first:
    case TextPool::mean:
    case TextPool::max:
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
  place(reading, config);
  return reading;
}

}  // namespace

TextTokens read_texts(const TextConfig& config, std::span<const std::vector<std::int32_t>> texts,
                      WantedRows wanted) {
  // Under a causal mask nothing behind the pooled token can reach it.
  const bool cut = wanted == WantedRows::pooled && config.block.attention.mask == AttentionMask::causal &&
                   pools_one_row(config);
  TextTokens tokens{.wanted = wanted, .ids = {}, .sequences = {}, .places = {}, .pooled = {}};
  for (const auto& text : texts) {
    auto reading = read(text, config);
    if (cut) reading.cut(reading.pooled + 1);
    tokens.pooled.push_back(tokens.sequences.rows() + reading.pooled);
    tokens.ids.insert(tokens.ids.end(), reading.ids.begin(), reading.ids.end());
    tokens.places.insert(tokens.places.end(), reading.places.begin(), reading.places.end());
    tokens.sequences.append(static_cast<std::int64_t>(reading.ids.size()));
  }
  return tokens;
}

template <class T>
Tensor<T> embed(const TextTower<T>& tower, const TextTokens& tokens, Pass<T>& pass) {
  auto x = gather<T>(tower.tokens, tokens.ids, pass);  // [N,C]
  if (!tower.positions.empty())
    x = add(std::move(x), gather<T>(tower.positions, tokens.places, pass), {}, pass);
  if (tower.config.segments == Segments::present) {
    const std::vector<std::int64_t> first_segment(tokens.ids.size(), 0);
    x = add(std::move(x), gather<T>(tower.segment, first_segment, pass), {}, pass);
  }
  return tower.config.embedding_norm == EmbeddingNorm::present ? norm(x, tower.embedding_norm, pass) : x;
}

template <class T>
Tensor<T> encode(const TextTower<T>& tower, Tensor<T> x, const TextTokens& tokens, Pass<T>& pass) {
  TransformerInput<T> input{tokens.sequences};
  if (tokens.wanted == WantedRows::pooled && pools_one_row(tower.config)) input.wanted = tokens.pooled;
  x = transformer<T>(std::move(x), tower.encoder, input, pass);  // [N,C], or [B,C]
  return tower.config.final_norm == FinalNorm::present ? norm(x, tower.final_norm, pass) : x;
}

template <class T>
Tensor<T> pool(const TextTower<T>& tower, const Tensor<T>& x, const TextTokens& tokens, Pass<T>& pass) {
  if (tower.config.pool == TextPool::mean) return mean_rows(x, tokens.sequences, 0, pass);
  if (tower.config.pool == TextPool::max) return max_rows(x, tokens.sequences, 0, pass);
  return tokens.wanted == WantedRows::pooled ? x : gather<T>(x, tokens.pooled, pass);
}

template <class T>
Tensor<T> project(const TextTower<T>& tower, const Tensor<T>& pooled, Pass<T>& pass) {
  auto x = pooled;
  for (const auto& layer : tower.head) x = linear(x, layer.weights, pass, layer.activation);
  if (tower.projection.present()) x = linear(x, tower.projection, pass);
  return tower.config.embedding_length == EmbeddingLength::one ? l2_normalize(x, pass) : x;
}

template <class T>
Tensor<T> encode(const TextTower<T>& tower, std::span<const std::vector<std::int32_t>> texts, Pass<T>& pass) {
  const auto tokens = read_texts(tower.config, texts, WantedRows::pooled);
  auto x = embed(tower, tokens, pass);                        // [N,C]
  x = encode(tower, std::move(x), tokens, pass);              // [B,C], or [N,C]
  return project(tower, pool(tower, x, tokens, pass), pass);  // [B,D]
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
  for (auto& layer : tower.head) pack(layer.weights);
  if (tower.projection.present()) pack(tower.projection);
}

template Tensor<float> embed(const TextTower<float>&, const TextTokens&, Pass<float>&);
template Tensor<float> encode(const TextTower<float>&, Tensor<float>, const TextTokens&, Pass<float>&);
template Tensor<float> pool(const TextTower<float>&, const Tensor<float>&, const TextTokens&, Pass<float>&);
template Tensor<float> project(const TextTower<float>&, const Tensor<float>&, Pass<float>&);
template Tensor<float> encode(const TextTower<float>&, std::span<const std::vector<std::int32_t>>,
                              Pass<float>&);
template TextStates<float> hidden_states(const TextTower<float>&, std::span<const std::vector<std::int32_t>>,
                                         Pass<float>&);
template Tensor<double> embed(const TextTower<double>&, const TextTokens&, Pass<double>&);
template Tensor<double> encode(const TextTower<double>&, Tensor<double>, const TextTokens&, Pass<double>&);
template Tensor<double> pool(const TextTower<double>&, const Tensor<double>&, const TextTokens&,
                             Pass<double>&);
template Tensor<double> project(const TextTower<double>&, const Tensor<double>&, Pass<double>&);
template Tensor<double> encode(const TextTower<double>&, std::span<const std::vector<std::int32_t>>,
                               Pass<double>&);
template TextStates<double> hidden_states(const TextTower<double>&,
                                          std::span<const std::vector<std::int32_t>>, Pass<double>&);

}  // namespace beeld
