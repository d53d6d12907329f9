#include "multimodal/hub/store_names.h"

#include <algorithm>
#include <vector>

namespace beeld {

namespace {

constexpr std::string_view hub_prefix = "hf:";
constexpr std::string_view escaped_slash = "%2F";
constexpr std::size_t max_part_length = 96;
constexpr std::size_t max_folder_length =
    240;                                    // what file systems allow, with room for what is put around it
constexpr std::size_t reference_parts = 3;  // refs/pr/15
constexpr char stored_slash = '+';

std::vector<std::string> split(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  for (auto at = text.find(separator); at != std::string_view::npos; at = text.find(separator)) {
    parts.emplace_back(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  parts.emplace_back(text);
  return parts;
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const auto& part : parts) text.append(text.empty() ? "" : separator).append(part);
  return text;
}

bool is_reference(const std::vector<std::string>& parts) {
  return parts.size() == reference_parts && parts.front() == "refs";
}

/// Takes a revision from the front of what follows the `@`; nothing where it is none.
std::optional<std::string> take_revision(std::vector<std::string>& parts) {
  const std::size_t count = parts.front() == "refs" ? reference_parts : 1;
  if (parts.size() < count) return std::nullopt;
  const auto end = parts.begin() + static_cast<std::ptrdiff_t>(count);
  auto revision = count == 1 ? split(parts.front(), escaped_slash) : std::vector(parts.begin(), end);
  parts.erase(parts.begin(), end);
  if (!std::ranges::all_of(revision, is_safe_part)) return std::nullopt;
  return joined(revision, "/");
}

/// What follows `owner/`.
std::string text_in_owner(const HubName& name) {
  auto text = name.name;
  if (!name.revision.empty()) {
    const auto parts = split(name.revision, "/");
    text += "@" + joined(parts, is_reference(parts) ? "/" : escaped_slash);
  }
  return name.subfolder.empty() ? text : text + "/" + name.subfolder;
}

}  // namespace

bool is_safe_part(std::string_view part) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !part.empty() && part.size() <= max_part_length && part.front() != '.' &&
         part.find("..") == std::string_view::npos && std::ranges::all_of(part, allowed);
}

std::string HubName::text() const { return owner + "/" + text_in_owner(*this); }

std::optional<HubName> parse_hub_name(std::string_view reference) {
  if (reference.starts_with(hub_prefix)) reference.remove_prefix(hub_prefix.size());
  const auto slash = reference.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  HubName name{.owner = std::string(reference.substr(0, slash)), .name = {}};
  const auto rest = reference.substr(slash + 1);
  const auto name_end = std::min(rest.find_first_of("@/"), rest.size());
  name.name = rest.substr(0, name_end);
  if (!is_safe_part(name.owner) || !is_safe_part(name.name)) return std::nullopt;
  if (name_end == rest.size()) return name;

  auto parts = split(rest.substr(name_end + 1), "/");
  if (rest[name_end] == '@') {
    auto revision = take_revision(parts);
    if (!revision) return std::nullopt;
    if (*revision != "main") name.revision = std::move(*revision);
  }
  if (!std::ranges::all_of(parts, is_safe_part)) return std::nullopt;
  name.subfolder = joined(parts, "/");
  if (text_in_owner(name).size() > max_folder_length) return std::nullopt;
  return name;
}

std::filesystem::path stored_folder(const std::filesystem::path& store, const HubName& name) {
  auto folder = text_in_owner(name);
  std::ranges::replace(folder, '/', stored_slash);
  return store / name.owner / folder;
}

std::optional<HubName> stored_name(const std::string& owner, std::string folder) {
  std::ranges::replace(folder, stored_slash, '/');
  return parse_hub_name(owner + "/" + folder);
}

}  // namespace beeld
