#pragma once

#include <filesystem>
#include <optional>

namespace beeld::cli {

/// The word list that comes with beeld: beside the installed command (share/beeld/words.txt), else in the
/// source tree that it was built from; nothing where it is in neither.
std::optional<std::filesystem::path> default_word_list();

}  // namespace beeld::cli
