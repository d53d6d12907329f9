#pragma once

#include "multimodal/hub/store_names.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace beeld {

/// What a file is for; the order in which they are fetched, so that what cannot be read is found early.
enum class FileKind { configuration, tokenizer, weights };

/// A file of a checkpoint, as the hub lists it.
struct HubFile {
  std::string name;  ///< In the checkpoint's folder, or in that of one of its steps: "1_Pooling/config.json".
  FileKind kind = FileKind::weights;
  std::uint64_t size = 0;
  std::string sha256;    ///< Of the content; of large (LFS) files only, else empty.
  std::string git_blob;  ///< Git's name of the content: SHA-1 of "blob SIZE\0" and the content; or empty.

  /// The stated checksum, empty where there is none.
  const std::string& checksum() const { return sha256.empty() ? git_blob : sha256; }
};

/// What to fetch of a repository.
struct HubListing {
  std::string
      revision;  ///< The commit, 40 hex digits, or what was asked for where the hub does not state it.
  std::vector<HubFile> files;  ///< By kind, small ones first.
};

/// Reads the hub's answer to `/api/models/owner/name/revision/main?blobs=true`, and chooses what a checkpoint
/// needs of the files at the repository's root, or in the name's subfolder.
///
/// A repository often holds the same weights several times. Taken is one complete set: safetensors rather
/// than pickles, and OpenCLIP's where `open_clip_config.json` and its weights are there (the hub's published
/// figures of such a repository were measured with it) rather than `config.json` with `model.safetensors` or
/// its shards; without any of them, a single pickled file beside a configuration or a tokenizer. The
/// tokenizer's files go with each, and so do the folders of the steps that a `modules.json` lists
/// (sentence-transformers). Names outside this set, and so any path that leads out of the folder, are
/// never looked at.
///
/// Throws Error: corrupt (not such an answer), not_found (no checkpoint, with the subfolders that have one).
HubListing read_listing(std::string_view json, const HubName& name);

}  // namespace beeld
