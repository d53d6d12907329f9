#pragma once

#include <beeld/tokenizer.h>

#include <filesystem>

#include "text/tokenizer/tokenizer_config.h"

namespace beeld {

/// BERT's tokenizer (Devlin et al. 2019) from a `vocab.txt`, one piece a line: clean-up, lower case and
/// accents, words and punctuation, WordPiece, between [CLS] and [SEP]. Throws Error: corrupt, limit or io.
std::unique_ptr<Tokenizer> read_bert_tokenizer(const std::filesystem::path& file,
                                               const TokenizerConfig& config);

}  // namespace beeld
