#pragma once

#include <filesystem>

namespace beeld::testing {

/// The folder of this checkout.
std::filesystem::path source_folder();

/// The beeld command of this build.
std::filesystem::path beeld_command();

}  // namespace beeld::testing
