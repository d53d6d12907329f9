#include "vision/decode/memory_budget.h"

#include <beeld/image.h>

#include <condition_variable>
#include <mutex>

namespace beeld {

namespace {

struct Budget {
  std::mutex mutex;
  std::condition_variable released;
  std::int64_t limit = 2LL << 30;
  std::int64_t taken = 0;
};

Budget& budget() {
  static Budget budget;
  return budget;
}

}  // namespace

void set_decode_memory(std::int64_t bytes) {
  const std::lock_guard lock(budget().mutex);
  budget().limit = bytes;
}

std::int64_t decode_memory() {
  const std::lock_guard lock(budget().mutex);
  return budget().limit;
}

void MemoryLease::take(std::int64_t bytes) {
  auto& all = budget();
  std::unique_lock lock(all.mutex);
  all.released.wait(lock, [&] { return all.taken == 0 || all.taken + bytes <= all.limit; });
  all.taken += bytes;
  bytes_ += bytes;
}

MemoryLease::~MemoryLease() {
  if (bytes_ == 0) return;
  auto& all = budget();
  {
    const std::lock_guard lock(all.mutex);
    all.taken -= bytes_;
  }
  all.released.notify_all();
}

}  // namespace beeld
