#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace beeld {

/// The name of a checkpoint on a model hub, `owner/name[@revision][/subfolder]`.
struct HubName {
  std::string owner;
  std::string name;
  std::string revision = {};   ///< A branch, a tag, a commit or a reference; empty: `main`.
  std::string subfolder = {};  ///< Where in the repository the checkpoint lies; empty: at its root.

  std::string repository() const { return owner + "/" + name; }

  /// As parse_hub_name() reads it.
  std::string text() const;
};

/// How a reference to a hub is written, for messages.
inline constexpr const char* hub_name_form = "hf:owner/name[@revision][/subfolder]";

/// The name in `owner/name[@revision][/subfolder]`, with or without `hf:` before it. A revision ends at the
/// next slash, but one that begins with `refs/` has three parts, as git's references do: `@refs/pr/15/text`
/// is the folder `text` in `refs/pr/15`. Any other slash within a revision is written `%2F`, as in the hub's
/// addresses.
///
/// Nothing unless all parts are letters, digits, `.`, `_` and `-`, at most 96 of them, without a leading dot
/// and without `..`: such a name is safe as a path and in a URL.
std::optional<HubName> parse_hub_name(std::string_view reference);

/// Whether a part of a name may stand in a path and in a URL: as parse_hub_name() wants them.
bool is_safe_part(std::string_view part);

/// Where the checkpoint lies, or will lie, in a store: `owner/name`, or with what follows the name, its
/// slashes written `+`, as a part of that folder's name. So revisions lie side by side.
std::filesystem::path stored_folder(const std::filesystem::path& store, const HubName& name);

/// The name of the checkpoint that lies in the folder `folder` of an owner; the inverse of stored_folder().
std::optional<HubName> stored_name(const std::string& owner, std::string folder);

}  // namespace beeld
