#pragma once

#include <cstdint>

#include "multimodal/index/database.h"

namespace beeld {

constexpr std::int64_t schema_version = 3;

/// Brings an index of a former version up to date in one transaction: what it knows of pictures and their
/// embeddings is kept. The next update reads each file once more, for what the former version did not look
/// at.
void migrate(const Database& database);

}  // namespace beeld
