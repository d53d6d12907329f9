#pragma once

#include <beeld/tokenizer.h>

#include <filesystem>
#include <memory>

#include "text/tokenizer/tokenizer_config.h"

namespace beeld {

/// Marian's tokenizer: `source.spm` cuts a text into pieces, `vocab.json` gives them ids, `</s>` ends them.
/// `>>xx<<` at the start of a text names the language to translate into. `target.spm` knows the pieces of
/// what is decoded. Throws Error: not_found, corrupt, limit or io.
std::unique_ptr<Tokenizer> read_marian_tokenizer(const std::filesystem::path& folder,
                                                 const TokenizerConfig& config);

}  // namespace beeld
