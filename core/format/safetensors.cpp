#include "core/format/safetensors.h"

#include "core/format/safetensors_header.h"

#include <beeld/error.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

namespace beeld {

static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian");

namespace {

constexpr std::size_t length_bytes = 8;
constexpr std::uint64_t max_header_bytes = 100'000'000;
constexpr std::size_t data_alignment = 64;

[[noreturn]] void corrupt(const std::string& file, const std::string& fact) {
  throw Error(ErrorCode::corrupt, "[safetensors] " + file + ": " + fact);
}

DType known_dtype(const std::string& file, const std::string& tensor, const std::string& name) {
  if (const auto dtype = dtype_of(name)) return *dtype;
  throw Error(ErrorCode::unsupported,
              "[safetensors] " + file + ": tensor " + tensor + " has the unsupported type " + name);
}

/// Bytes of a tensor, or nothing where the product does not fit in 63 bits.
std::optional<std::uint64_t> byte_size(DType dtype, const std::vector<std::int64_t>& shape) {
  auto bytes = static_cast<std::int64_t>(size_of(dtype));
  for (const auto extent : shape)
    if (extent < 0 || __builtin_mul_overflow(bytes, extent, &bytes)) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

std::string_view header_of(const std::string& file, std::span<std::byte> bytes) {
  if (bytes.size() < length_bytes) {
    corrupt(file, "expected at least 8 bytes, the file has " + std::to_string(bytes.size()));
  }
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), length_bytes);
  if (length > max_header_bytes) {
    corrupt(file, "the header claims " + std::to_string(length) + " bytes, the limit is " +
                      std::to_string(max_header_bytes));
  }
  if (length > bytes.size() - length_bytes) {
    corrupt(file, "the header claims " + std::to_string(length) + " bytes, the file has " +
                      std::to_string(bytes.size() - length_bytes) + " after the length");
  }
  return {reinterpret_cast<const char*>(bytes.data()) + length_bytes, static_cast<std::size_t>(length)};
}

/// Refuses overlaps, holes and bytes that belong to no tensor.
void check_cover(const std::string& file, const safetensors::Header& header, std::uint64_t data_bytes) {
  std::vector<const std::pair<const std::string, safetensors::HeaderEntry>*> order;
  for (const auto& entry : header.tensors) order.push_back(&entry);
  std::ranges::sort(order, {},
                    [](const auto* entry) { return std::pair(entry->second.begin, entry->second.end); });
  std::uint64_t covered = 0;
  for (const auto* entry : order) {
    const auto& [name, place] = *entry;
    if (place.end < place.begin || place.end > data_bytes) {
      corrupt(file, "tensor " + name + " claims bytes " + std::to_string(place.begin) + " to " +
                        std::to_string(place.end) + " of " + std::to_string(data_bytes));
    }
    if (place.begin != covered) {
      corrupt(file, "tensor " + name + " begins at byte " + std::to_string(place.begin) +
                        (place.begin < covered ? ", inside" : ", behind a hole after") +
                        " the data that ends at " + std::to_string(covered));
    }
    covered = place.end;
  }
  if (covered != data_bytes) {
    corrupt(file, "the tensors cover " + std::to_string(covered) + " bytes of data, the file has " +
                      std::to_string(data_bytes));
  }
}

std::string header_text(const std::vector<const std::pair<const std::string, TensorData>*>& order,
                        const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t begin = 0;
  for (const auto* entry : order) {
    const auto& [name, tensor] = *entry;
    const auto end = begin + tensor.bytes.size();
    header[name] = {
        {"dtype", name_of(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
    begin = end;
  }
  auto text = header.dump();
  const auto unaligned = (length_bytes + text.size()) % data_alignment;
  if (unaligned != 0) text.append(data_alignment - unaligned, ' ');
  return text;
}

void check_writable(const std::string& file, const std::string& name, const TensorData& tensor) {
  if (name == "__metadata__") {
    throw Error(ErrorCode::invalid_argument, "[safetensors] " + file + ": no tensor may be named " + name);
  }
  const auto expected = byte_size(tensor.dtype, tensor.shape);
  if (!expected || *expected != tensor.bytes.size()) {
    throw Error(ErrorCode::invalid_argument,
                "[safetensors] " + file + ": tensor " + name + ": expected " +
                    (expected ? std::to_string(*expected) + " bytes" : std::string("a possible shape")) +
                    ", got " + std::to_string(tensor.bytes.size()) + " bytes");
  }
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : mapping_(std::make_shared<MappedFile>(path)) {
  const auto file = path.string();
  const auto bytes = mapping_->bytes();
  header_ = header_of(file, bytes);
  const auto data = bytes.subspan(length_bytes + header_.size());

  auto header = safetensors::parse_header(header_, file);
  check_cover(file, header, data.size());
  for (auto& [name, entry] : header.tensors) {
    const auto dtype = known_dtype(file, name, entry.dtype);
    const auto expected = byte_size(dtype, entry.shape);
    if (!expected) corrupt(file, "tensor " + name + " has a shape that overflows");
    const auto size = entry.end - entry.begin;
    if (*expected != size) {
      corrupt(file, "tensor " + name + ": its shape and type need " + std::to_string(*expected) +
                        " bytes, its offsets give " + std::to_string(size));
    }
    tensors_.emplace(name,
                     TensorEntry{dtype, std::move(entry.shape), data.subspan(entry.begin, size), mapping_});
  }
  metadata_ = std::move(header.metadata);
}

void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, TensorData, std::less<>>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<const std::pair<const std::string, TensorData>*> order;
  for (const auto& entry : tensors) {
    check_writable(path.string(), entry.first, entry.second);
    order.push_back(&entry);
  }
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [](const auto* entry) { return size_of(entry->second.dtype); });

  const auto header = header_text(order, metadata);
  const std::uint64_t length = header.size();
  std::vector<std::string_view> parts{{reinterpret_cast<const char*>(&length), length_bytes}, header};
  for (const auto* entry : order) {
    const auto bytes = entry->second.bytes;
    parts.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  write_file_atomically(path, parts);
}

}  // namespace beeld
