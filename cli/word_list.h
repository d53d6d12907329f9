#pragma once

#include <filesystem>

namespace beeld::cli {

/// The word list that comes with beeld: beside the installed command (share/beeld/words.txt), else in the
/// source tree that it was built from. Throws Error(not_found) where neither is there.
std::filesystem::path default_word_list();

}  // namespace beeld::cli
