#include "core/format/named_tensors.h"

#include <beeld/error.h>

#include <algorithm>
#include <vector>

#include "core/kernels/half.h"

namespace beeld {

void write_named_tensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors, DType dtype,
                         const std::map<std::string, std::string>& metadata) {
  if (dtype != DType::f32 && dtype != DType::f16) {
    throw Error(ErrorCode::invalid_argument,
                "[weights] written are F32 and F16, not " + std::string(name_of(dtype)));
  }
  std::map<std::string, TensorData, std::less<>> data;
  std::vector<std::vector<std::uint16_t>> halves;
  std::vector<Tensor<float>> kept;  // until they are written
  halves.reserve(tensors.size());
  for (const auto& tensor : tensors) {
    const auto& as_stored =
        kept.emplace_back(tensor.layout == Layout::transposed ? transpose(tensor.values) : tensor.values);
    const std::span values(as_stored.data(), static_cast<std::size_t>(as_stored.size()));
    auto bytes = std::as_bytes(values);
    if (dtype == DType::f16) {
      auto& half = halves.emplace_back(values.size());
      std::ranges::transform(values, half.begin(), to_half);
      bytes = std::as_bytes(std::span(half));
    }
    data.emplace(tensor.name, TensorData{dtype, tensor.shape, bytes});
  }
  write_safetensors(path, data, metadata);
}

}  // namespace beeld
