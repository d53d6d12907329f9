#pragma once

#include <filesystem>

namespace beeld::bench {

/// Prints how fast a folder is indexed, beside its stages alone in turns; how much memory the command takes
/// for folders of two sizes; and how long a search from a cold start takes over 10,000 indexed pictures.
/// The folder holds a checkpoint by write_vit_b_32().
void indexing(const std::filesystem::path& folder);

}  // namespace beeld::bench
