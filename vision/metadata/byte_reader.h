#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace beeld {

enum class ByteOrder { little, big };

/// Reads integers of a fixed byte order at given positions; a position outside gives no value.
class ByteReader {
 public:
  ByteReader(std::span<const std::uint8_t> bytes, ByteOrder order) : bytes_(bytes), order_(order) {}

  std::size_t size() const { return bytes_.size(); }
  std::span<const std::uint8_t> bytes() const { return bytes_; }
  bool has(std::size_t position, std::size_t length) const {
    return position <= bytes_.size() && length <= bytes_.size() - position;
  }
  std::optional<std::uint8_t> u8(std::size_t position) const {
    if (!has(position, 1)) return std::nullopt;
    return bytes_[position];
  }
  std::optional<std::uint16_t> u16(std::size_t position) const { return read<std::uint16_t>(position); }
  std::optional<std::uint32_t> u32(std::size_t position) const { return read<std::uint32_t>(position); }
  std::optional<std::uint64_t> u64(std::size_t position) const { return read<std::uint64_t>(position); }

 private:
  template <class T>
  std::optional<T> read(std::size_t position) const {
    if (!has(position, sizeof(T))) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      const std::size_t at = order_ == ByteOrder::big ? i : sizeof(T) - 1 - i;
      value = value << 8 | bytes_[position + at];
    }
    return static_cast<T>(value);
  }

  std::span<const std::uint8_t> bytes_;
  ByteOrder order_;
};

}  // namespace beeld
