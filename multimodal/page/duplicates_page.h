#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace beeld {

/// Pictures that are nearly the same.
struct DuplicateSection {
  std::vector<std::filesystem::path> paths;
  float similarity = 0;
};

/// What copies of a picture are compared by.
struct CopySize {
  std::int64_t pixels = 0;  ///< 0: it cannot be read
  std::int64_t bytes = 0;
};

/// The copy to keep: of those with most pixels the largest file, and of equal ones the first. There is at
/// least one copy.
std::size_t best_copy(const std::vector<CopySize>& copies);

/// Writes one HTML file, as write_gallery() does, in which the copies of each group stand side by side with
/// their width and height, their files' sizes and folders; the best copy is marked. Throws Error(io) where
/// the file cannot be written.
void write_duplicates(const std::filesystem::path& file, const std::vector<DuplicateSection>& sections);

}  // namespace beeld
