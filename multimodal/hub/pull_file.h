#pragma once

#include "multimodal/hub/pull_hub.h"
#include "multimodal/hub/pull_listing.h"

namespace beeld {

/// True where the file has the stated size and checksum. Without a stated checksum nothing can be known of
/// a file's content, and the answer is false.
bool is_verified(const std::filesystem::path& path, const HubFile& file);

/// Where files come from and go to.
struct PullPlaces {
  std::string revision;
  std::filesystem::path folder;
};

/// Fetches a file into the folder, unless it is there and verified. Until complete and verified it is
/// `NAME.CHECKSUM.part`, so that a later call continues it, and never with another version's content.
///
/// Throws Error(corrupt) where size or checksum differ from the stated ones, and as Hub::fetch.
void pull_file(Hub& hub, const HubFile& file, const PullPlaces& places, const PullCallback& progress);

}  // namespace beeld
