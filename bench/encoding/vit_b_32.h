#pragma once

#include <cstdint>
#include <filesystem>

namespace beeld::bench {

/// The sizes of one tower of CLIP ViT-B/32.
struct Tower {
  std::int64_t width;   ///< C
  std::int64_t layers;  ///< L
  std::int64_t input;   ///< values of a patch that are projected to C; 0 for tokens, which are looked up
};

inline constexpr Tower vision_tower{.width = 768, .layers = 12, .input = 32 * 32 * 3};
inline constexpr Tower text_tower{.width = 512, .layers = 12, .input = 0};

/// Operations of one forward pass over `tokens` tokens, counted from the shapes of the products. In the last
/// block only the pooled token is computed, apart from the keys and values it looks at.
double operations(const Tower& tower, std::int64_t tokens);

/// Writes a checkpoint with the shapes of CLIP ViT-B/32 and random float16 weights, in Hugging Face's layout.
/// Its tokenizer has no merges for most words, so that a lowercase letter is a token.
void write_vit_b_32(const std::filesystem::path& folder);

}  // namespace beeld::bench
