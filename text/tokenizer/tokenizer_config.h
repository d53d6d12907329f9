#pragma once

#include <beeld/tokenizer.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "text/subword/vocabulary.h"
#include "text/tokenizer/added_tokens.h"

namespace beeld {

/// What `tokenizer_config.json`, `special_tokens_map.json`, `added_tokens.json` and the model's `config.json`
/// say about a folder's tokenizer. Missing files are empty.
struct TokenizerConfig {
  std::string tokenizer_class;     ///< without a trailing "Fast"; empty where not said
  std::string model_type;          ///< of config.json
  std::size_t context_length = 0;  ///< model_max_length where it is a sane number, else 0
  std::optional<bool> lowercase;   ///< do_lower_case
  std::optional<bool> strip_accents;
  std::optional<bool> tokenize_chinese_chars;
  std::optional<bool> add_bos;
  std::optional<bool> add_eos;
  std::optional<bool> add_prefix_space;
  std::optional<bool> clean_up_spaces;  ///< clean_up_tokenization_spaces
  bool legacy = true;                   ///< A space goes before every part between added tokens.
  bool separate_vocabs = false;         ///< Marian: target_vocab.json names what is decoded.
  int extra_ids = 100;                  ///< T5's `<extra_id_0>` and so on
  TruncationSide truncation_side = TruncationSide::right;
  std::map<std::string, AddedToken> special;        ///< by role: `eos_token`, `pad_token`, ...; ids not set
  std::vector<AddedToken> additional;               ///< additional_special_tokens; ids not set
  std::map<std::int64_t, AddedToken> added_tokens;  ///< added_tokens_decoder

  /// The text of the token with this role, or `fallback`.
  std::string special_text(const std::string& role, const std::string& fallback) const;
};

/// Throws Error: corrupt, limit, io, or unsupported for a setting that would change the ids.
TokenizerConfig read_tokenizer_config(const std::filesystem::path& folder);

}  // namespace beeld
