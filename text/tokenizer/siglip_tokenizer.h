#pragma once

#include <beeld/tokenizer.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "text/tokenizer/tokenizer_config.h"

namespace beeld {

/// SigLIP's tokenizer over its `spiece.model`: lower case, no ASCII punctuation, single spaces, SentencePiece
/// without a dummy prefix, then `</s>`, which also pads.
std::unique_ptr<Tokenizer> read_siglip_tokenizer(const std::filesystem::path& model,
                                                 const TokenizerConfig& config);

/// A text without special tokens as SigLIP's tokenizer hands it to SentencePiece: valid UTF-8 in lower case,
/// without ASCII punctuation, its words separated by single spaces.
std::string canonical_siglip_text(std::string_view bytes);

}  // namespace beeld
