#pragma once

#include <filesystem>

namespace beeld::bench {

/// Reads the checkpoint in `folder`, which is one of safetensors, and the same pickled by torch, in turns:
/// the file alone, a model that embeds a text, and the memory that a command takes.
void loading(const std::filesystem::path& folder);

}  // namespace beeld::bench
