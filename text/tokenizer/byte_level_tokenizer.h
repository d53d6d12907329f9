#pragma once

#include <beeld/tokenizer.h>

#include <filesystem>
#include <memory>

#include "text/tokenizer/tokenizer_config.h"

namespace beeld {

/// The tokenizers of CLIP, GPT-2, RoBERTa and Qwen 2 from `vocab.json` and `merges.txt`: what their
/// tokenizer.json would say. The class in tokenizer_config.json says which; without one, the vocabulary's
/// special tokens do. Throws Error: not_found, corrupt, limit or io.
std::unique_ptr<Tokenizer> read_byte_level_tokenizer(const std::filesystem::path& folder,
                                                     const TokenizerConfig& config);

}  // namespace beeld
