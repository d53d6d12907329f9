#pragma once

#include <beeld/tokenizer.h>

#include <functional>

namespace beeld {

/// The tokenizer that `open_clip_config.json` asks for: CLIP's own, or one of Hugging Face's behind
/// OpenCLIP's cleaning, which `read_hugging_face` reads from the folder. Throws Error: not_found, corrupt,
/// limit, io, or unsupported for settings that would change the ids.
std::unique_ptr<Tokenizer> read_open_clip_tokenizer(
    const std::filesystem::path& folder,
    const std::function<std::unique_ptr<Tokenizer>(const std::filesystem::path&)>& read_hugging_face);

/// CLIP's own, from the byte pairs in the folder. Throws Error: not_found, corrupt, limit or io.
std::unique_ptr<Tokenizer> read_clip_tokenizer(const std::filesystem::path& folder);

}  // namespace beeld
