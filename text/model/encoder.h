#pragma once

#include <string>

#include "core/format/settings.h"
#include "core/format/weights.h"
#include "text/model/tower.h"

namespace beeld {

/// The encoders of Hugging Face's that other checkpoints hold inside them.
enum class EncoderKind {
  bert,        ///< post-norm, positions and segments, normed before the first block
  distilbert,  ///< the same without segments
  roberta,     ///< BERT whose positions begin behind the padding id; XLM-RoBERTa likewise
  t5,          ///< pre-norm, a relative bias in place of positions; T5 1.1 and mT5
};

/// Everything that an encoder's configuration says.
struct EncoderShape {
  EncoderKind kind = EncoderKind::bert;
  BlockConfig block;
  int layers = 0;
  int vocabulary = 0;
  int positions = 0;  ///< rows of their table, 0 without one
  int segments = 0;   ///< likewise
  std::int64_t pad_id = 0;
};

/// What the published configuration of that name says, where a checkpoint only names its encoder: kind, norms
/// and activation by the name, all sizes by the tensors behind `begin`, heads 64 channels wide. Throws
/// Error(unsupported) for a name that is not known.
EncoderShape encoder_named(const std::string& name, const WeightReader& weights, const std::string& begin);

/// The kind of an encoder that has a config.json of its own: model_type bert, distilbert, roberta,
/// xlm-roberta or camembert. Throws Error(unsupported) for another one.
EncoderKind encoder_kind(Settings settings);

/// What such a configuration says. Every key is read or refused. Throws Error: corrupt or unsupported.
EncoderShape read_encoder_shape(Settings settings, EncoderKind kind);

/// The encoder's tensors, whose names begin with `begin`. It pools the
/// first row until the caller says otherwise.
TextTower<float> read_encoder(WeightReader& weights, const std::string& begin, const EncoderShape& shape);

/// BERT's own pooler: a dense layer and tanh.
DenseLayer<float> read_pooler(WeightReader& weights, const std::string& begin, std::int64_t width);

}  // namespace beeld
