#pragma once

#include <filesystem>
#include <memory>

#include "text/subword/byte_pair.h"
#include "text/tokenizer/pipeline.h"
#include "text/tokenizer/tokenizer_config.h"

namespace beeld {

/// Reads a `tokenizer.json` with the settings of its folder. Throws Error: corrupt, limit, io, or unsupported
/// naming a part that this version does not have.
std::unique_ptr<Tokenizer> read_tokenizer_json(const std::filesystem::path& file,
                                               const TokenizerConfig& config);

/// The vocabulary and merges of a byte-pair model.
struct BytePairFiles {
  Vocabulary vocabulary;
  Merges merges;
};

/// The byte-pair model inside a `tokenizer.json`, without its settings.
BytePairFiles read_byte_pairs(const std::filesystem::path& tokenizer_json);

}  // namespace beeld
