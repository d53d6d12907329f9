#pragma once

#include <beeld/index.h>

#include <filesystem>
#include <vector>

#include "multimodal/index/table.h"
#include "multimodal/index/vectors.h"

namespace beeld {

bool lets_all_pass(const PictureFilter& filter);

/// The rows [N] of `vectors` whose pictures a filter lets pass.
std::vector<bool> allowed_rows(const Vectors& vectors, PictureTable& table, const PictureFilter& filter);

/// The shortest way over a globe of the earth's mean radius.
double kilometres_between(const Place& a, const Place& b);

/// Where it cannot be known, it is not gone.
bool file_is_gone(const std::filesystem::path& path);

}  // namespace beeld
