#include "tests/support/shared.h"
#include "tests/support/source_tree.h"

#include <cstdlib>
#include <string_view>

namespace beeld::testing {

std::filesystem::path shared_folder() {
  if (const char* folder = std::getenv("BEELD_SHARED")) return folder;
  return source_folder() / ".." / "shared";
}

bool have_shared(const std::filesystem::path& path) {
  if (std::filesystem::exists(shared_folder() / path)) return true;
  const char* ci = std::getenv("CI");
  if (ci && std::string_view(ci) == "true")
    ADD_FAILURE() << "CI=true, but " << shared_folder() / path << " is absent";
  return false;
}

}  // namespace beeld::testing
