#include "tests/support/weight_files.h"

#include <Eigen/Core>
#include <cstring>

#include "core/kernels/kernels.h"
#include "tests/support/random.h"

namespace beeld::testing {

namespace {

template <class Stored>
std::vector<std::byte> narrow(const std::vector<float>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(Stored));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Stored stored(values[i]);
    std::memcpy(bytes.data() + i * sizeof stored, &stored, sizeof stored);
  }
  return bytes;
}

}  // namespace

std::vector<std::byte> stored_bytes(const StoredTensor& tensor, DType dtype) {
  if (dtype == DType::f16) return narrow<Eigen::half>(tensor.values);
  if (dtype == DType::bf16) return narrow<Eigen::bfloat16>(tensor.values);
  return narrow<float>(tensor.values);
}

StoredTensors read_tensors(const std::filesystem::path& safetensors_file) {
  StoredTensors tensors;
  const SafetensorsFile file(safetensors_file);
  for (const auto& [name, entry] : file.tensors()) {
    auto& tensor = tensors[name];
    tensor.shape = entry.shape;
    tensor.values.resize(entry.bytes.size() / size_of(entry.dtype));
    widen(entry.dtype, entry.bytes.data(), tensor.values.size(), tensor.values.data());
  }
  return tensors;
}

void write_tensors(const std::filesystem::path& file, const StoredTensors& tensors, DType dtype) {
  std::map<std::string, std::vector<std::byte>> bytes;
  std::map<std::string, TensorData, std::less<>> data;
  for (const auto& [name, tensor] : tensors) {
    bytes[name] = stored_bytes(tensor, dtype);
    data[name] = {dtype, tensor.shape, bytes[name]};
  }
  write_safetensors(file, data);
}

StoredTensors rounded(const StoredTensors& tensors, DType dtype) {
  auto result = tensors;
  for (auto& [name, tensor] : result) {
    for (auto& value : tensor.values) {
      value = dtype == DType::f16 ? static_cast<float>(Eigen::half(value))
                                  : static_cast<float>(Eigen::bfloat16(value));
    }
  }
  return result;
}

StoredTensor random_stored(std::vector<std::int64_t> shape, std::uint64_t seed) {
  std::int64_t count = 1;
  for (const auto extent : shape) count *= extent;
  const auto values = random_tensor<float>({count}, seed, 0.2);
  return {std::move(shape), {values.data(), values.data() + count}};
}

StoredTensor transposed(const StoredTensor& matrix) {
  const auto rows = static_cast<std::size_t>(matrix.shape[0]),
             columns = static_cast<std::size_t>(matrix.shape[1]);
  StoredTensor result{{matrix.shape[1], matrix.shape[0]}, std::vector<float>(matrix.values.size())};
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) result.values[j * rows + i] = matrix.values[i * columns + j];
  }
  return result;
}

StoredTensor stacked(const std::vector<StoredTensor>& parts) {
  auto result = parts.front();
  for (std::size_t i = 1; i < parts.size(); ++i) {
    result.shape[0] += parts[i].shape[0];
    result.values.insert(result.values.end(), parts[i].values.begin(), parts[i].values.end());
  }
  return result;
}

}  // namespace beeld::testing
