#include "cli/word_list.h"

namespace beeld::cli {

std::optional<std::filesystem::path> default_word_list() {
  std::error_code ignored;
  // Relative to the program, so that an installed tree can be moved.
  const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  for (const auto& folder : {program.parent_path().parent_path() / BEELD_DATA_FOLDER,
                             std::filesystem::path(BEELD_SOURCE_DATA_FOLDER)})
    if (std::filesystem::is_regular_file(folder / "words.txt", ignored)) return folder / "words.txt";
  return std::nullopt;
}

}  // namespace beeld::cli
