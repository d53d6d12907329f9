#pragma once

#include "core/format/settings.h"

namespace beeld {

// Keys that any configuration of Hugging Face's may carry although nothing here reads them. Each is listed
// once, under what it is for, with the values that leave the result alone; what only one family carries is
// named by its reader. A key of no list is refused by Settings::done().

/// For a tower that gives hidden states and produces no words: provenance, training, execution, outputs and
/// labels at any value; generation and the tie to an output table, which it has not, likewise; what would
/// make it another architecture only at its neutral value. Throws Error(unsupported) for another one, and
/// names it.
void accept_encoder_keys(Settings& settings);

/// For a model that produces words: provenance, training, execution, outputs and labels at any value,
/// generation only where it leaves greedy decoding as it is. How it is built is its family's to read:
/// is_decoder, add_cross_attention and tie_word_embeddings are not accepted here. Throws as
/// accept_encoder_keys.
void accept_decoder_keys(Settings& settings);

}  // namespace beeld
