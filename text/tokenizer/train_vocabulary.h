#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace beeld {

struct VocabularyOptions {
  std::size_t pieces = 4096;        ///< V, with `<pad>`, `</s>` and `<unk>`
  std::size_t longest_piece = 24;   ///< in code points: a Dutch compound fits whole
  std::size_t context_length = 64;  ///< `model_max_length` of tokenizer_config.json
};

/// Trains a unigram SentencePiece model (Kudo, 2018) on texts, each treated as SigLIP's tokenizer treats what
/// it encodes: lower case, no ASCII punctuation, single spaces. Returns the content of a `spiece.model` with
/// the published layout: `<pad>` 0, `</s>` 1, `<unk>` 2, then V - 3 pieces that cover every character.
///
/// Words count as often as they occur in `texts`. One thread; the same texts give the same bytes.
/// Throws Error: invalid_argument (no text, or V does not suit it: fewer than its characters, or more than it
/// has pieces for), or limit (more than 64 MiB of text).
std::string train_vocabulary(std::span<const std::string> texts, const VocabularyOptions& options = {});

/// The same, written as a folder that load_tokenizer() and HF's `SiglipTokenizer` read: `spiece.model` and
/// `tokenizer_config.json`. The folder is made where absent. Throws also Error(io).
void write_vocabulary(const std::filesystem::path& folder, std::span<const std::string> texts,
                      const VocabularyOptions& options = {});

}  // namespace beeld
