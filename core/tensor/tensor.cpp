#include "core/tensor/tensor.h"

#include <beeld/error.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

namespace beeld {

namespace {

constexpr std::size_t alignment = 64;  // a cache line, and the widest vector

std::uint64_t next_allocation() {
  static std::atomic<std::uint64_t> count = 0;
  return ++count;
}

/// Memory of the system's own in huge pages, for products that read it from end to end: looking up the
/// addresses of many small ones takes time. What is taken one after the other lies side by side, and is given
/// back when nobody holds any of it.
class Pages {
 public:
  static std::shared_ptr<std::byte> take(std::size_t bytes) {
    static std::mutex mutex;
    static std::weak_ptr<Pages> current;
    bytes = (bytes + alignment - 1) / alignment * alignment;
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

Shape::Shape(std::initializer_list<std::int64_t> extents) : rank_(extents.size()) {
  if (rank_ > extents_.size()) throw Error(ErrorCode::invalid_argument, "[shape] more than four extents");
  std::copy(extents.begin(), extents.end(), extents_.begin());
}

std::int64_t Shape::size() const {
  std::int64_t product = 1;
  for (std::size_t i = 0; i < rank_; ++i) product *= extents_[i];
  return product;
}

std::string Shape::string() const {
  std::string text = "[";
  for (std::size_t i = 0; i < rank_; ++i) text += (i ? "," : "") + std::to_string(extents_[i]);
  return text + "]";
}

template <class T>
Tensor<T>::Tensor(Shape shape) : shape_(shape), allocation_(next_allocation()) {
  const auto bytes = static_cast<std::size_t>(std::max<std::int64_t>(shape.size(), 1)) * sizeof(T);
  auto* data =
      static_cast<T*>(std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment));
  if (!data) throw std::bad_alloc();
  owner_ = std::shared_ptr<const void>(data, [](const void* p) { std::free(const_cast<void*>(p)); });
  data_ = data;
}

template <class T>
Tensor<T> Tensor<T>::zeros(Shape shape) {
  Tensor result(shape);
  std::fill_n(result.data_, result.size(), T{0});
  return result;
}

template <class T>
Tensor<T> Tensor<T>::lasting(Shape shape) {
  const auto bytes = static_cast<std::size_t>(std::max<std::int64_t>(shape.size(), 1)) * sizeof(T);
  const auto memory = Pages::take(bytes);
  return view(shape, reinterpret_cast<T*>(memory.get()), memory);
}

template <class T>
Tensor<T> Tensor<T>::view(Shape shape, T* data, std::shared_ptr<const void> owner) {
  Tensor result;
  result.shape_ = shape;
  result.allocation_ = next_allocation();
  result.data_ = data;
  result.owner_.swap(owner);
  return result;
}

template <class T>
Tensor<T> Tensor<T>::slice(std::int64_t begin, std::int64_t end) const {
  if (begin < 0 || end < begin || end > shape_[0]) {
    throw Error(ErrorCode::invalid_argument, "[slice] rows " + std::to_string(begin) + " to " +
                                                 std::to_string(end) + " of " + shape_.string());
  }
  const auto stride = shape_[0] == 0 ? 0 : size() / shape_[0];
  Tensor result = *this;
  result.shape_ = shape_.rank() == 1 ? Shape{end - begin} : Shape{end - begin, stride};
  result.data_ += begin * stride;
  return result;
}

template <class T>
Tensor<T> Tensor<T>::reshape(Shape shape) const {
  if (shape.size() != size()) {
    throw Error(ErrorCode::invalid_argument, "[reshape] " + shape_.string() + " to " + shape.string());
  }
  Tensor result = *this;
  result.shape_ = shape;
  return result;
}

template <class T>
Tensor<T> Tensor<T>::clone() const {
  Tensor result(shape_);
  std::copy_n(data_, size(), result.data_);
  return result;
}

template class Tensor<float>;
template class Tensor<double>;

}  // namespace beeld
