#pragma once

#include "core/format/settings.h"
#include "core/format/weights.h"
#include "text/model/tower.h"

namespace beeld {

// Text towers of the checkpoint families: each is one table of names and settings. `settings` is the part of
// the configuration that describes the text tower; every key of it is read or refused.

/// Hugging Face CLIP: `text_model.*`, `text_projection`.
TextTower<float> read_clip_text(WeightReader& weights, Settings settings, int embedding_width);

/// OpenCLIP: `prefix` + `transformer.resblocks.*`, `ln_final`, `text_projection`; `text_cfg` of the
/// configuration.
struct OpenClipText {
  std::string prefix;  ///< "" or, with custom_text, "text."
  int embedding_width = 0;
  Activation activation = Activation::gelu;  ///< quick_gelu of the whole model, or gelu
  std::int64_t pad_id = 0;                   ///< the tokenizer's
};
TextTower<float> read_open_clip_text(WeightReader& weights, Settings settings, const OpenClipText& text);

/// SigLIP and SigLIP 2: no mask, always the full length, the last position through `text_model.head`.
/// `pad_id` is the tokenizer's.
TextTower<float> read_siglip_text(WeightReader& weights, Settings settings, std::int64_t pad_id);

/// Chinese-CLIP: a BERT encoder, the [CLS] row to `text_projection`.
TextTower<float> read_bert_text(WeightReader& weights, Settings settings, int embedding_width);

}  // namespace beeld
