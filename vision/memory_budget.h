#pragma once

#include <cstdint>

namespace beeld {

/// Bytes that all pictures of this process may take while they are decoded: 2 GiB until this is called.
void set_decode_memory(std::int64_t bytes);
std::int64_t decode_memory();

/// A share of the memory that pictures take while they are decoded, given back when it ends. All leases of
/// the process count together. Who holds one must not wait for anything: others wait for it.
class MemoryLease {
 public:
  MemoryLease() = default;
  ~MemoryLease();
  MemoryLease(const MemoryLease&) = delete;
  MemoryLease& operator=(const MemoryLease&) = delete;

  /// Waits until all leases together stay within decode_memory(), or no other is left. Once a lease: a second
  /// call would wait for the first.
  void take(std::int64_t bytes);

 private:
  std::int64_t bytes_ = 0;
};

}  // namespace beeld
