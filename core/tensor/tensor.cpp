#include "core/tensor/tensor.h"

#include <beeld/error.h>

#include <algorithm>
#include <atomic>
#include <memory>

#include "core/tensor/buffer.h"

namespace beeld {

namespace {

std::uint64_t next_allocation() {
  static std::atomic<std::uint64_t> count = 0;
  return ++count;
}

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
  Buffer buffer(static_cast<std::size_t>(std::max<std::int64_t>(shape.size(), 0)) * sizeof(T));
  data_ = buffer.as<T>();
  owner_ = buffer.owner();
}

template <class T>
Tensor<T> Tensor<T>::zeros(Shape shape) {
  Tensor result(shape);
  std::fill_n(result.data_, result.size(), T{0});
  return result;
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
