#pragma once

#include <beeld/tokenizer.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "text/subword/sentence_piece.h"
#include "text/tokenizer/tokenizer_config.h"

namespace beeld {

/// Llama's tokenizer over its `tokenizer.model`: byte pairs with bytes for unknown characters, behind `<s>`.
std::unique_ptr<Tokenizer> read_llama_tokenizer(const std::filesystem::path& model,
                                                const TokenizerConfig& config);

/// T5's tokenizer over its `spiece.model`: a unigram model, `<extra_id_0>` and so on behind its pieces in
/// falling order, then `</s>`.
std::unique_ptr<Tokenizer> read_t5_tokenizer(const std::filesystem::path& model,
                                             const TokenizerConfig& config);

/// Gemma's tokenizer over its `tokenizer.model`, as SigLIP 2 uses it (then `<eos>`) or a language model
/// (behind `<bos>`); `<pad>` pads. Used where there is no `tokenizer.json`.
std::unique_ptr<Tokenizer> read_gemma_tokenizer(const std::filesystem::path& model,
                                                const TokenizerConfig& config);

/// XLM-RoBERTa's tokenizer over its `sentencepiece.bpe.model`: `<s>` and `</s>` around a unigram model's
/// pieces, whose ids are one more than in that file, because fairseq's own four tokens come first. Used where
/// there is no `tokenizer.json`.
std::unique_ptr<Tokenizer> read_xlm_roberta_tokenizer(const std::filesystem::path& model,
                                                      const TokenizerConfig& config);

/// The id of a piece. Throws Error(corrupt) where the model has none.
std::int32_t require_piece(const SentencePieceModel& model, const std::string& piece);

/// The tokens that are recognised in the text itself, with ids: those of added_tokens_decoder, then
/// `defaults`, which the model must have. Of two with the same content the first counts.
std::vector<AddedToken> tokens_in_text(const SentencePieceModel& model, const TokenizerConfig& config,
                                       std::vector<AddedToken> defaults);

}  // namespace beeld
