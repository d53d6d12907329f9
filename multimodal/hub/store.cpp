#include <beeld/error.h>
#include <beeld/store.h>

#include "multimodal/data/own_data.h"
#include "multimodal/hub/store_names.h"

#include <algorithm>
#include <cstdlib>

namespace beeld {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view hub_prefix = "hf:";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

[[noreturn]] void unknown_reference(const std::string& reference, const std::optional<HubName>& name) {
  std::string message =
      "[model] " + reference + ": expected a folder, a file of weights or the name of a stored checkpoint";
  if (name)
    message += "; to fetch it, run `beeld pull hf:" + name->text() + "`";
  else
    message += " (`beeld models` lists them), or hf:owner/name after `beeld pull hf:owner/name`";
  throw Error(ErrorCode::not_found, message);
}

}  // namespace

fs::path store_folder() {
  if (const auto store = environment("BEELD_STORE"); !store.empty()) return store;
  if (const auto data = environment("XDG_DATA_HOME"); !data.empty()) return fs::path(data) / "beeld/models";
  if (const auto home = environment("HOME"); !home.empty()) {
    return fs::path(home) / ".local/share/beeld/models";
  }
  throw Error(ErrorCode::not_found, "[store] expected BEELD_STORE, XDG_DATA_HOME or HOME to be set");
}

std::vector<std::string> stored_models() {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& owner : fs::directory_iterator(store_folder(), error)) {
    std::error_code owner_error;
    for (const auto& model : fs::directory_iterator(owner.path(), owner_error)) {
      const auto name = stored_name(owner.path().filename().string(), model.path().filename().string());
      std::error_code ignored;
      if (name && model.is_directory(ignored)) names.push_back(name->text());
    }
  }
  std::ranges::sort(names);
  return names;
}

fs::path resolve_model(const std::string& reference) {
  std::error_code ignored;
  const bool hub_only = reference.starts_with(hub_prefix);
  if (!hub_only && (fs::is_directory(reference, ignored) || fs::is_regular_file(reference, ignored)))
    return reference;
  const auto name = parse_hub_name(reference);
  if (hub_only && !name) {
    throw Error(ErrorCode::invalid_argument,
                std::string("[model] expected ") + hub_name_form + ", got " + reference);
  }
  if (name) {
    auto folder = stored_folder(store_folder(), *name);
    if (fs::is_directory(folder, ignored)) return folder;
  }
  unknown_reference(reference, name);
}

fs::path default_model_folder() {
  const auto reference = environment("BEELD_MODEL");
  return reference.empty() ? own_model(own_data_folders()) : resolve_model(reference);
}

std::string model_reference(const fs::path& folder) {
  std::error_code error;
  auto place = fs::weakly_canonical(fs::absolute(folder, error), error);
  if (!place.has_filename()) place = place.parent_path();  // a slash at its end
  for (const auto& own : own_data_folders())
    if (fs::equivalent(own / "model", place, error) && !error) return "the model that comes with beeld";
  try {
    const auto name = stored_name(place.parent_path().filename().string(), place.filename().string());
    if (name && fs::equivalent(stored_folder(store_folder(), *name), place, error) && !error)
      return name->text();
  } catch (const Error&) {
    // Without a store it is nobody's name.
  }
  return place.string();
}

}  // namespace beeld
