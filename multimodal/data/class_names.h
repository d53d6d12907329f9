#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace beeld {

/// The labels of a class file whose lines are `index<TAB>id<TAB>name, synonym, ...`: the first name of each,
/// by index. Throws Error: not_found, io, or corrupt (the indices are not 0 to K-1, each once).
std::vector<std::string> read_class_names(const std::filesystem::path& file);

/// All names of each label, the first one first. Throws as read_class_names.
std::vector<std::vector<std::string>> read_class_synonyms(const std::filesystem::path& file);

}  // namespace beeld
