#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/transformer/parameters.h"

namespace beeld {

/// Which row of the last hidden states stands for the whole text, or what becomes of all of them.
enum class TextPool {
  first,       ///< the start token: BERT's [CLS]
  last,        ///< the last position, also where it is padding: SigLIP
  end_token,   ///< the first end token: CLIP
  largest_id,  ///< the first position of the largest id: CLIP before it knew its end token
  mean,        ///< the mean of all tokens, start and end included
  max,         ///< the largest value of each channel
};

/// Whether a text is filled up to the context length before it is read. Where padding changes no result it is
/// left out, which saves most of the work.
enum class TextPadding { none, to_context };

/// What becomes of padding ids that a text itself holds.
enum class PadTokens {
  read,    ///< they are tokens as others are
  masked,  ///< no token sees them, and they are not pooled: they are left out
};

/// Which row of the table of positions a token has.
enum class PositionRule {
  index,           ///< its place in the text
  behind_padding,  ///< pad_id + k for the k-th token that is no padding, which itself has row pad_id
                   ///< (RoBERTa)
};

/// Whether an embedding leaves the tower as it is, or divided by its length.
enum class EmbeddingLength { own, one };

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
  PadTokens pads = PadTokens::read;
  PositionRule position_rule = PositionRule::index;
  EmbeddingLength embedding_length = EmbeddingLength::own;
  std::int64_t end_id = 0;
  std::int64_t pad_id = 0;
};

/// activation(x W^T + b)
template <class T>
struct DenseLayer {
  Linear<T> weights;
  Activation activation = Activation::identity;
};

template <class T>
struct TextTower {
  TextConfig config;
  Weight<T> tokens;     // [V,C]
  Weight<T> positions;  // [context_length,C] or more (PositionRule), or empty where blocks know positions
  Weight<T> segment;    // [segments,C] of which the first is added to every token, or empty
  Norm<T> embedding_norm;
  Transformer<T> encoder;
  Norm<T> final_norm;
  std::vector<DenseLayer<T>> head = {};  // between pooling and projection
  Linear<T> projection;                  // [D,C], or empty

  /// D.
  std::int64_t embedding_width() const {
    if (projection.present()) return projection.weight.rows();
    return head.empty() ? config.block.width : head.back().weights.weight.rows();
  }
};

/// Texts as a tower reads them: N tokens of B texts, end to end.
struct TextTokens {
  WantedRows wanted = WantedRows::pooled;
  std::vector<std::int64_t> ids;  // [N], with the padding that the tower sees
  Sequences sequences;
  std::vector<std::int64_t> places;  // [N], the row of each token in the table of positions
  std::vector<std::int64_t> pooled;  // [B], the row of each text that stands for it where it is one
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

/// All blocks and the final norm: [N,C] -> [N,C], or [B,C] where only pooled rows are wanted and pooling
/// reads one row of each text.
template <class T>
Tensor<T> encode(const TextTower<T>& tower, Tensor<T> x, const TextTokens& tokens, Pass<T>& pass);

/// One row for each text, of what encode() gave for the same tokens: -> [B,C]
template <class T>
Tensor<T> pool(const TextTower<T>& tower, const Tensor<T>& x, const TextTokens& tokens, Pass<T>& pass);

/// Through the head into the space shared with pictures: [B,C] -> [B,D]
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

/// Orders the weights for fast products. Head and projection, small and close to the result, stay float32.
void pack(TextTower<float>& tower, WeightType type = WeightType::f32);

template <class T, class Visit>
void visit_parameters(TextTower<T>& tower, const Visit& visit) {
  for (auto* table : {&tower.tokens, &tower.positions, &tower.segment}) {
    if (!table->empty()) visit(table->plain(), Decay::yes);
  }
  visit_parameters(tower.embedding_norm, visit);
  visit_parameters(tower.encoder, visit);
  visit_parameters(tower.final_norm, visit);
  for (auto& layer : tower.head) visit_parameters(layer.weights, visit);
  visit_parameters(tower.projection, visit);
}

}  // namespace beeld
