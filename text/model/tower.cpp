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
  // Under a causal mask nothing behind the pooled token can reach it.
  if (config.block.attention.mask == AttentionMask::causal)
    ids.resize(static_cast<std::size_t>(reading.pooled + 1));
  return reading;
}

}  // namespace

template <class T>
Tensor<T> encode(const TextTower<T>& tower, std::span<const std::vector<std::int32_t>> texts, Pass<T>& pass) {
  const auto& config = tower.config;
  std::vector<std::int64_t> ids, places, pooled;
  Sequences sequences;
  for (const auto& text : texts) {
    const auto reading = read(text, config);
    pooled.push_back(sequences.rows() + reading.pooled);
    ids.insert(ids.end(), reading.ids.begin(), reading.ids.end());
    for (std::size_t t = 0; t < reading.ids.size(); ++t) places.push_back(static_cast<std::int64_t>(t));
    sequences.append(static_cast<std::int64_t>(reading.ids.size()));
  }

  auto x = gather<T>(tower.tokens, ids, pass);                                // [N,C]
  x = add(std::move(x), gather<T>(tower.positions, places, pass), {}, pass);  // [N,C]
  if (config.segments == Segments::present) {
    const std::vector<std::int64_t> first_segment(ids.size(), 0);
    x = add(std::move(x), gather<T>(tower.segment, first_segment, pass), {}, pass);
  }
  if (config.embedding_norm == EmbeddingNorm::present) x = norm(x, tower.embedding_norm, pass);

  x = transformer<T>(std::move(x), tower.encoder, {sequences, pooled}, pass);  // [B,C]
  if (config.final_norm == FinalNorm::present) x = norm(x, tower.final_norm, pass);
  return tower.projection.present() ? linear(x, tower.projection, pass) : x;  // [B,D]
}

void pack(TextTower<float>& tower, WeightType type) {
  pack(tower.encoder, type);
  if (tower.projection.present()) pack(tower.projection);
}

template Tensor<float> encode(const TextTower<float>&, std::span<const std::vector<std::int32_t>>,
                              Pass<float>&);
template Tensor<double> encode(const TextTower<double>&, std::span<const std::vector<std::int32_t>>,
                               Pass<double>&);

}  // namespace beeld
