#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/format/safetensors.h"

namespace beeld::testing {

/// A tensor of a checkpoint in memory, to be renamed and written in another layout.
struct StoredTensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};
using StoredTensors = std::map<std::string, StoredTensor>;

/// Those of a file in f32, f16 or bf16.
StoredTensors read_tensors(const std::filesystem::path& safetensors_file);

/// The values as f32, or rounded to f16 or bf16.
std::vector<std::byte> stored_bytes(const StoredTensor& tensor, DType dtype);

/// Writes as f32, or rounded to f16 or bf16.
void write_tensors(const std::filesystem::path& file, const StoredTensors& tensors, DType dtype = DType::f32);

/// The same values after a round trip through f16 or bf16.
StoredTensors rounded(const StoredTensors& tensors, DType dtype);

/// Normally distributed values, the same for the same seed.
StoredTensor random_stored(std::vector<std::int64_t> shape, std::uint64_t seed);

/// [a,b] -> [b,a]
StoredTensor transposed(const StoredTensor& matrix);

/// The rows of all parts, in order.
StoredTensor stacked(const std::vector<StoredTensor>& parts);

}  // namespace beeld::testing
