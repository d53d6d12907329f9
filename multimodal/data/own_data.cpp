#include "multimodal/data/own_data.h"

#include <beeld/error.h>
#include <sys/auxv.h>

#include <algorithm>
#include <utility>

namespace beeld {

namespace fs = std::filesystem;

namespace {

bool is_below(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

fs::path running_program() {
  std::error_code error;
  auto program = fs::read_symlink("/proc/self/exe", error);
  if (!error) return program;
  // Where there is no /proc, what the system was given to start it.
  const auto* given = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
  return given == nullptr ? fs::path() : fs::weakly_canonical(given, error);
}

}  // namespace

std::vector<fs::path> own_data_folders() {
  const auto program = running_program();
  std::vector<fs::path> folders = {program.parent_path().parent_path() / BEELD_DATA_FOLDER,
                                   BEELD_PREFIX_DATA_FOLDER, BEELD_SOURCE_DATA_FOLDER};
  if (is_below(program, BEELD_BUILD_FOLDER)) std::swap(folders[1], folders[2]);
  return folders;
}

std::optional<fs::path> find_own_data(const fs::path& name) {
  std::error_code ignored;
  for (const auto& folder : own_data_folders())
    if (fs::exists(folder / name, ignored)) return folder / name;
  return std::nullopt;
}

fs::path own_model(const std::vector<fs::path>& folders) {
  std::error_code ignored;
  for (const auto& folder : folders)
    if (fs::is_regular_file(folder / "model" / "config.json", ignored)) return folder / "model";
  std::string message = "[model] no model was named, and the one that comes with beeld is in none of";
  for (const auto& folder : folders) message += " " + (folder / "model").string();
  throw Error(ErrorCode::not_found,
              message +
                  ": give --model FOLDER, set BEELD_MODEL, or fetch one with `beeld pull "
                  "hf:openai/clip-vit-base-patch32` and give --model openai/clip-vit-base-patch32");
}

}  // namespace beeld
