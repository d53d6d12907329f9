#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace beeld {

/// The name of a checkpoint on a model hub, `owner/name`.
struct HubName {
  std::string owner;
  std::string name;

  std::string text() const { return owner + "/" + name; }
};

/// The name in `owner/name` or `hf:owner/name`. Nothing unless both parts are letters, digits, `.`, `_` and
/// `-`, at most 96 of them, without a leading dot and without `..`: such a name is safe as a path and in a
/// URL.
std::optional<HubName> parse_hub_name(std::string_view reference);

/// Where the checkpoint lies, or will lie, in a store.
std::filesystem::path stored_folder(const std::filesystem::path& store, const HubName& name);

}  // namespace beeld
