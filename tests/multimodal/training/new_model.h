#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

namespace beeld::testing {

/// The config.json of a tiny model in CLIP's or SigLIP's layout, for write_tiny_tokenizer()'s vocabulary:
/// pictures of 16 pixels in four patches, texts of 12 tokens, embeddings of 16 values.
nlohmann::json tiny_clip_config();
nlohmann::json tiny_siglip_config();

/// A checkpoint folder of that shape with weights drawn by beeld, ready to learn.
void write_new_model(const std::filesystem::path& folder, const nlohmann::json& config, std::uint64_t seed);

}  // namespace beeld::testing
