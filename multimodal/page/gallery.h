#pragma once

#include <beeld/index.h>

#include <filesystem>
#include <string>
#include <vector>

namespace beeld {

/// Pictures in ranked order under a heading: the answer to one query, or one cluster.
struct GallerySection {
  std::string title;
  std::vector<Match> matches;
};

/// Writes one HTML file that shows the sections: a page without scripts that needs no other file, with
/// thumbnails inside it. Each picture links to its file and carries its rank, score, file name and folder;
/// one that cannot be read leaves a placeholder with the reason. Titles and names may be any bytes.
///
/// Throws Error(io) where the file cannot be written.
void write_gallery(const std::filesystem::path& file, const std::vector<GallerySection>& sections);

}  // namespace beeld
