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

/// Texts as a tower reads them: N tokens of B texts, end to end.
struct TextTokens {
  WantedRows wanted = WantedRows::pooled;
  std::vector<std::int64_t> ids;  // [N], with the padding that the tower sees
  Sequences sequences;
  std::vector<std::int64_t> pooled;  // [B], the row of each text that stands for it
};

/// Texts given as token ids, with start and end tokens. Where only pooled rows are wanted, what they cannot
/// see is left out. Throws Error(invalid_argument) for an empty text or one longer than the context.
TextTokens read_texts(const TextConfig& config, std::span<const std::vector<std::int32_t>> texts,
                      WantedRows wanted);

// A tower's forward: embed, encode, pool, project.

/// Tokens, positions and the segment, summed and normed: N ids -> [N,C]. Throws Error(invalid_argument) for
/// an id outside the vocabulary.
template <class T>
Tensor<T> embed(const TextTower<T>& tower, const TextTokens& tokens, Pass<T>& pass);

/// All blocks and the final norm: [N,C] -> [N,C], or [B,C] where only pooled rows are wanted.
template <class T>
Tensor<T> encode(const TextTower<T>& tower, Tensor<T> x, const TextTokens& tokens, Pass<T>& pass);

/// The row that stands for each text, of what encode() gave for the same tokens: -> [B,C]
template <class T>
Tensor<T> pool(const Tensor<T>& x, const TextTokens& tokens, Pass<T>& pass);

/// Into the space shared with pictures: [B,C] -> [B,D]
template <class T>
Tensor<T> project(const TextTower<T>& tower, const Tensor<T>& pooled, Pass<T>& pass);

/// The four in a row: embeddings of texts given as token ids -> [B,D]. Throws as read_texts() and embed() do.
template <class T>
Tensor<T> encode(const TextTower<T>& tower, std::span<const std::vector<std::int32_t>> texts, Pass<T>& pass);

/// What encode() leaves of every token.
template <class T>
struct TextStates {
  TextTokens tokens;
  Tensor<T> rows;  // [N,C]
};

/// The last_hidden_state of Hugging Face's towers, without padding that changes nothing: behind CLIP's and
/// SigLIP's final norm, and as the last block gives it where there is none (BERT).
template <class T>
TextStates<T> hidden_states(const TextTower<T>& tower, std::span<const std::vector<std::int32_t>> texts,
                            Pass<T>& pass);

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
