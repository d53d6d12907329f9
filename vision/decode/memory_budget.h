#pragma once

#include <cstdint>

namespace beeld {

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
