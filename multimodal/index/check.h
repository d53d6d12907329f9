#pragma once

#include <beeld/index.h>

#include <filesystem>

namespace beeld {

/// Index::check().
IndexCheck check_index(const std::filesystem::path& file);

}  // namespace beeld
