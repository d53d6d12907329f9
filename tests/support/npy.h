#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace beeld::testing {

/// A reference array from a .npy file (float32, int64, int32 or uint8), its values widened to double.
struct Array {
  std::vector<std::size_t> shape;
  std::vector<double> values;
};

/// Throws std::runtime_error for anything else.
Array read_npy(const std::filesystem::path& path);

}  // namespace beeld::testing
