#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "core/format/safetensors.h"
#include "core/format/weights.h"

namespace beeld {

/// Writes tensors to a .safetensors file as f32, or rounded to f16; the file appears at once or not at all.
/// Throws Error: invalid_argument for another type, or io.
void write_named_tensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors, DType dtype,
                         const std::map<std::string, std::string>& metadata = {});

}  // namespace beeld
