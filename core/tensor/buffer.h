#pragma once

#include <cstddef>
#include <memory>

namespace beeld {

/// Bytes at a multiple of 64: a cache line, and the widest vector. A handle: copies share the bytes.
class Buffer {
 public:
  Buffer() = default;

  /// Bytes are left unset.
  explicit Buffer(std::size_t bytes);

  /// Bytes left unset in memory of the system's own, for what stays long: what is allocated and freed
  /// meanwhile leaves no holes between them.
  static Buffer lasting(std::size_t bytes);

  std::size_t size() const { return size_; }

  /// The bytes as values of a type.
  template <class Value>
  Value* as() {
    return reinterpret_cast<Value*>(memory_.get());
  }
  template <class Value>
  const Value* as() const {
    return reinterpret_cast<const Value*>(memory_.get());
  }

  /// What keeps the bytes alive.
  std::shared_ptr<const void> owner() const { return memory_; }

 private:
  std::shared_ptr<std::byte> memory_;
  std::size_t size_ = 0;
};

}  // namespace beeld
