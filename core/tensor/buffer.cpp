#include "core/tensor/buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

namespace beeld {

namespace {

constexpr std::size_t alignment = 64;

std::size_t aligned(std::size_t bytes) {
  return (std::max<std::size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
}

/// Memory of the system's own in huge pages, for products that read it from end to end: looking up the
/// addresses of many small ones takes time. What is taken one after the other lies side by side, and is given
/// back when nobody holds any of it.
class Pages {
 public:
  static std::shared_ptr<std::byte> take(std::size_t bytes) {
    static std::mutex mutex;
    static std::weak_ptr<Pages> current;
    bytes = aligned(bytes);
    const std::lock_guard lock(mutex);
    auto pages = current.lock();
    if (!pages || pages->size_ - pages->used_ < bytes) {
      pages = std::make_shared<Pages>(std::max(bytes, least));
      current = pages;
    }
    auto* memory = pages->begin_ + pages->used_;
    pages->used_ += bytes;
    return {std::move(pages), memory};
  }

  explicit Pages(std::size_t bytes) : size_(bytes) {
    memory_ = ::mmap(nullptr, size_ + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    void* begin = memory_;
    auto space = size_ + huge;
    begin_ = static_cast<std::byte*>(std::align(huge, size_, begin, space));
    ::madvise(begin_, size_, MADV_HUGEPAGE);
  }
  ~Pages() { ::munmap(memory_, size_ + huge); }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

 private:
  static constexpr std::size_t huge = std::size_t{2} << 20, least = std::size_t{32} << 20;

  void* memory_;
  std::byte* begin_;
  std::size_t size_, used_ = 0;
};

}  // namespace

Buffer::Buffer(std::size_t bytes) : size_(bytes) {
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(alignment, aligned(bytes)));
  if (!memory) throw std::bad_alloc();
  memory_ = std::shared_ptr<std::byte>(memory, [](std::byte* p) { std::free(p); });
}

Buffer Buffer::lasting(std::size_t bytes) {
  Buffer buffer;
  buffer.memory_ = Pages::take(bytes);
  buffer.size_ = bytes;
  return buffer;
}

}  // namespace beeld
