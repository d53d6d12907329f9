#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/transformer/parameters.h"

namespace beeld {

/// Which row of the last hidden states stands for the whole text.
enum class TextPool {
  first,       ///< the start token: BERT's [CLS]
  last,        ///< the last position, also where it is padding: SigLIP
  end_token,   ///< the first end token: CLIP
  largest_id,  ///< the first position of the largest id: CLIP before it knew its end token
};

/// Whether a text is filled up to the context length before it is read. Where padding changes no result it is
/// left out, which saves most of the work.
enum class TextPadding { none, to_context };

enum class EmbeddingNorm { absent, present };
enum class FinalNorm { absent, present };
enum class Segments { absent, present };

struct TextConfig {
  int vocabulary = 0;      ///< V
  int context_length = 0;  ///< positions, and the longest text in tokens
  BlockConfig block;
  int layers = 0;
  EmbeddingNorm embedding_norm = EmbeddingNorm::absent;
  Segments segments = Segments::absent;
  FinalNorm final_norm = FinalNorm::present;
  TextPool pool = TextPool::end_token;
  TextPadding padding = TextPadding::none;
  std::int64_t end_id = 0;
  std::int64_t pad_id = 0;
};

template <class T>
struct TextTower {
  TextConfig config;
  Weight<T> tokens;     // [V,C]
  Weight<T> positions;  // [context_length,C]
  Weight<T> segment;    // [segments,C] of which the first is added to every token, or empty
  Norm<T> embedding_norm;
  Transformer<T> encoder;
  Norm<T> final_norm;
  Linear<T> projection;  // [D,C], or empty

  /// D.
  std::int64_t embedding_width() const {
    return projection.present() ? projection.weight.rows() : config.block.width;
  }
};

/// Embeddings of texts given as token ids (with start and end tokens, at most context_length): -> [B,D]
/// Throws Error(invalid_argument) for an id outside the vocabulary, an empty text or one too long.
template <class T>
Tensor<T> encode(const TextTower<T>& tower, std::span<const std::vector<std::int32_t>> texts, Pass<T>& pass);

/// Orders the weights for fast products. The projection, small and close to the result, stays float32.
void pack(TextTower<float>& tower, WeightType type = WeightType::f32);

template <class T, class Visit>
void visit_parameters(TextTower<T>& tower, const Visit& visit) {
  for (auto* table : {&tower.tokens, &tower.positions, &tower.segment}) {
    if (!table->empty()) visit(table->plain(), Decay::yes);
  }
  visit_parameters(tower.embedding_norm, visit);
  visit_parameters(tower.encoder, visit);
  visit_parameters(tower.final_norm, visit);
  visit_parameters(tower.projection, visit);
}

}  // namespace beeld
