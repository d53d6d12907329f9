#include "tests/support/source_tree.h"

namespace beeld::testing {

std::filesystem::path source_folder() { return BEELD_SOURCE_DIR; }

std::filesystem::path beeld_command() { return BEELD_COMMAND; }

}  // namespace beeld::testing
