#pragma once

#include <beeld/model.h>

#include <filesystem>
#include <vector>

#include "bench/search.h"

namespace beeld::bench {

/// Writes `speed-encoding.svg` (pictures a second against threads, for several batches; measured here) and
/// `speed-search.svg` into a folder.
void write_charts(const std::filesystem::path& folder, const Model& model,
                  const std::vector<SearchTime>& searches);

}  // namespace beeld::bench
