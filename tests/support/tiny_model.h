#pragma once

#include <cstdint>
#include <filesystem>

namespace beeld::testing {

/// Writes a complete checkpoint in Hugging Face's CLIP layout into `folder` (made where absent), its weights
/// random but the same for the same seed: config.json, preprocessor_config.json, the tokenizer's files and
/// model.safetensors, about 0.4 MB. Embeddings have 24 values, pictures are 32 pixels square, texts at most
/// 24 tokens; the vocabulary is write_tiny_tokenizer()'s.
void write_tiny_model(const std::filesystem::path& folder, std::uint32_t seed = 1);

/// Writes only the tokenizer's files of the same checkpoint: CLIP's byte-pair encoding with 256 bytes, 256
/// bytes at the end of a word, a few merges, and the two special tokens as the last two ids.
void write_tiny_tokenizer(const std::filesystem::path& folder);

/// Ids of the start and end tokens of that vocabulary.
std::int32_t tiny_start_id();
std::int32_t tiny_end_id();

}  // namespace beeld::testing
