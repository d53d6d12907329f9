#pragma once

#include <filesystem>

#include "multimodal/model/families.h"

namespace beeld {

/// Fills in the notes and warnings of a model that has been read from `folder`: what its files and its name
/// tell about numbers that differ from those of other programs, or from what was trained.
void add_notes(ModelParts& parts, const Family& family, const std::filesystem::path& folder);

}  // namespace beeld
