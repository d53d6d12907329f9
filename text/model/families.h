#pragma once

#include "core/format/settings.h"
#include "core/format/weights.h"
#include "text/model/tower.h"

namespace beeld {

// Text towers of the checkpoint families: each is one table of names and settings. `settings` is the part of
// the configuration that describes the text tower; every key of it is read or refused.

/// Hugging Face CLIP: `text_model.*`, `text_projection`; without a width there is no projection.
TextTower<float> read_clip_text(WeightReader& weights, Settings settings, int embedding_width);

/// OpenCLIP: `prefix` + `transformer.resblocks.*`, `ln_final`, `text_projection`; `text_cfg` of the
/// configuration. config.pad_id is the tokenizer's, and left for later.
struct OpenClipText {
  std::string prefix;  ///< "" or, with custom_text, "text."
  int embedding_width = 0;
  Activation activation = Activation::gelu;  ///< quick_gelu of the whole model, or gelu
};
TextTower<float> read_open_clip_text(WeightReader& weights, Settings settings, const OpenClipText& text);

/// OpenCLIP with an encoder of Hugging Face's, which `hf_model_name` names: `text.transformer.*`,
/// `text.proj`.
TextTower<float> read_open_clip_encoder_text(WeightReader& weights, Settings settings, int embedding_width);

/// M-CLIP: an encoder that `modelBase` names, under `transformer.*`, the mean of its tokens through
/// `LinearTransformation`. `settings` is the whole config.json.
TextTower<float> read_m_clip_text(WeightReader& weights, Settings settings);

/// SigLIP and SigLIP 2: no mask, always the full length, the last position through `text_model.head`.
/// The id that fills it up is the tokenizer's, which the reader does not know: config.pad_id is left for
/// later.
TextTower<float> read_siglip_text(WeightReader& weights, Settings settings);

/// Chinese-CLIP: a BERT encoder, the [CLS] row to `text_projection`.
TextTower<float> read_bert_text(WeightReader& weights, Settings settings, int embedding_width);

}  // namespace beeld
