#pragma once

#include <filesystem>
#include <optional>
#include <vector>

namespace beeld {

/// Folders that may hold what comes with beeld (its model, its word list), best first: share/beeld of the
/// prefix that the running program is installed in, so that an installed tree can be moved; share/beeld of
/// the prefix that beeld was configured for; data/ of the source tree. A program of the build tree looks in
/// its source tree before that configured prefix, which may hold another version.
std::vector<std::filesystem::path> own_data_folders();

/// The first of these that exists: a file or folder of this name in one of the folders.
std::optional<std::filesystem::path> find_own_data(const std::filesystem::path& name);

/// The model that comes with beeld, in the first of the folders that holds one. Throws Error(not_found) with
/// what to do where none does.
std::filesystem::path own_model(const std::vector<std::filesystem::path>& folders);

}  // namespace beeld
