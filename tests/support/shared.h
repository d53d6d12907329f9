#pragma once

#include <gtest/gtest.h>

#include <filesystem>

namespace beeld::testing {

/// The folder of checkpoints, photos and reference outputs that are not part of the repository:
/// $BEELD_SHARED, by default ../shared beside the checkout.
std::filesystem::path shared_folder();

/// True where `path` below it exists. With CI=true its absence fails the test instead of skipping it.
bool have_shared(const std::filesystem::path& path);

}  // namespace beeld::testing

/// Skips the running test where a part of the shared folder is absent.
#define BEELD_NEED_SHARED(path) \
  if (!::beeld::testing::have_shared(path)) GTEST_SKIP() << "SKIPPED: no " << (path) << " in BEELD_SHARED"
