#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace beeld {

/// A file of a checkpoint, as the hub lists it.
struct HubFile {
  std::string name;
  std::uint64_t size = 0;
  std::string sha256;    ///< Of the content; of large (LFS) files only, else empty.
  std::string git_blob;  ///< Git's name of the content: SHA-1 of "blob SIZE\0" and the content; or empty.

  /// The stated checksum, empty where there is none.
  const std::string& checksum() const { return sha256.empty() ? git_blob : sha256; }
};

/// What to fetch of a repository.
struct HubListing {
  std::string revision;  ///< The commit, 40 hex digits, or "main" where the hub does not state it.
  std::vector<HubFile> files;
};

/// Reads the hub's answer to `/api/models/owner/name/revision/main?blobs=true`, and chooses what a checkpoint
/// needs.
///
/// A repository often holds the same weights several times. Taken is one complete set: OpenCLIP's where
/// `open_clip_config.json` and its weights are there (the hub's published figures of such a repository were
/// measured with it), else `config.json` with `model.safetensors` or its shards; and the tokenizer's files.
/// Names outside this set, and so any path that leads out of the folder, are never looked at.
///
/// Throws Error: corrupt (not such an answer), unsupported (only pickled weights), not_found (no checkpoint).
HubListing read_listing(std::string_view json, const std::string& repository);

}  // namespace beeld
