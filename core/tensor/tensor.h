#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>

namespace beeld {

// Letters in shapes, everywhere in this project:
//   B  sequences in a batch          N  rows of all its sequences, end to end: the sum of their T
//   T  tokens of one sequence        C  channels (width)        H  heads        D  channels of one head
//   V  vocabulary                    K  classes or labels       E  width inside the MLP
// A batch of equal lengths [B,T,C] is [N,C] with N = B*T in the same memory; sequences of different lengths
// stand end to end in [N,C] as well, so nothing is ever padded (core/tensor/sequences.h says where each one
// begins).

/// Up to four extents.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents);

  std::size_t rank() const { return rank_; }
  std::int64_t operator[](std::size_t axis) const { return extents_[axis]; }
  std::int64_t size() const;
  bool operator==(const Shape&) const = default;
  std::string string() const;  ///< "[2,3]"

 private:
  std::array<std::int64_t, 4> extents_{};
  std::size_t rank_ = 0;
};

/// Dense row-major values. A handle: copies and slices share the values, clone() does not.
template <class T>
class Tensor {
 public:
  Tensor() = default;

  /// Values are left unset.
  explicit Tensor(Shape shape);

  static Tensor zeros(Shape shape);

  /// Values owned by somebody else (a mapped file), kept alive through `owner`.
  static Tensor view(Shape shape, T* data, std::shared_ptr<const void> owner);

  const Shape& shape() const { return shape_; }
  std::int64_t size() const { return shape_.size(); }
  bool empty() const { return data_ == nullptr; }

  std::int64_t columns() const { return shape_[shape_.rank() - 1]; }  ///< the last extent
  std::int64_t rows() const { return size() / columns(); }            ///< all others

  T* data() { return data_; }
  const T* data() const { return data_; }
  T* row(std::int64_t i) { return data_ + i * columns(); }
  const T* row(std::int64_t i) const { return data_ + i * columns(); }

  /// Rows [begin, end) of the first axis; shares the values.
  Tensor slice(std::int64_t begin, std::int64_t end) const;

  /// The same values under another shape of the same size.
  Tensor reshape(Shape shape) const;

  Tensor clone() const;

  /// No other handle shares these values: they may be overwritten.
  bool unique() const { return owner_.use_count() == 1; }

  /// Names these values for as long as the program runs, also after their memory went to others.
  struct Identity {
    std::uint64_t allocation = 0;
    const T* data = nullptr;
    bool operator==(const Identity&) const = default;
  };
  Identity identity() const { return {allocation_, data_}; }

 private:
  Shape shape_;
  std::uint64_t allocation_ = 0;
  T* data_ = nullptr;
  std::shared_ptr<const void> owner_;
};

extern template class Tensor<float>;
extern template class Tensor<double>;

}  // namespace beeld
