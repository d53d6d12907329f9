#include "core/kernels/stored_matrix.h"

#include <beeld/error.h>

#include <algorithm>
#include <array>
#include <string>

#include "core/kernels/kernels.h"

namespace beeld {

namespace {

/// Rows [begin,end) of the file's [columns,rows].
void read_transposed(const StoredPart& part, std::int64_t begin, std::int64_t end, float* to) {
  constexpr std::int64_t at_once = 64;  // rows that are filled side by side
  std::array<float, at_once> values{};
  const auto size = static_cast<std::int64_t>(size_of(part.dtype));
  for (auto first = begin; first < end; first += at_once, to += at_once * part.columns) {
    const auto count = std::min(at_once, end - first);
    for (std::int64_t j = 0; j < part.columns; ++j) {
      widen(part.dtype, part.values + (j * part.rows + first) * size, static_cast<std::size_t>(count),
            values.data());
      for (std::int64_t i = 0; i < count; ++i) to[i * part.columns + j] = values[static_cast<std::size_t>(i)];
    }
  }
}

void read_part(const StoredPart& part, std::int64_t begin, std::int64_t end, float* to) {
  if (part.layout == Layout::transposed) return read_transposed(part, begin, end, to);
  const auto size = static_cast<std::int64_t>(size_of(part.dtype));
  widen(part.dtype, part.values + begin * part.columns * size,
        static_cast<std::size_t>((end - begin) * part.columns), to);
}

bool lies_as_floats(const StoredPart& part) {
  return part.dtype == DType::f32 && part.layout == Layout::normal &&
         reinterpret_cast<std::uintptr_t>(part.values) % alignof(float) == 0;
}

}  // namespace

StoredMatrix::StoredMatrix(std::vector<StoredPart> parts) : parts_(std::move(parts)) {
  for (const auto& part : parts_) {
    if (part.columns != parts_.front().columns || !is_floating(part.dtype)) {
      throw Error(ErrorCode::invalid_argument, "[weight] expected matrices of floating point with " +
                                                   std::to_string(parts_.front().columns) + " columns, got " +
                                                   std::to_string(part.columns) + " of " +
                                                   std::string(name_of(part.dtype)));
    }
    end_ += part.rows;
  }
  if (parts_.empty()) throw Error(ErrorCode::invalid_argument, "[weight] a stored matrix of no parts");
}

void StoredMatrix::check(std::int64_t begin, std::int64_t end) const {
  if (begin >= 0 && begin <= end && end <= end_ - begin_) return;
  throw Error(ErrorCode::invalid_argument, "[weight] rows " + std::to_string(begin) + " to " +
                                               std::to_string(end) + " of " + shape().string());
}

StoredMatrix StoredMatrix::slice(std::int64_t begin, std::int64_t end) const {
  check(begin, end);
  auto part = *this;
  part.begin_ = begin_ + begin;
  part.end_ = begin_ + end;
  return part;
}

Tensor<float> StoredMatrix::read(std::int64_t begin, std::int64_t end) const {
  check(begin, end);
  const auto n = end - begin, k = parts_.front().columns;
  if (const auto& only = parts_.front(); parts_.size() == 1 && lies_as_floats(only)) {
    return Tensor<float>::view({n, k}, reinterpret_cast<float*>(only.values) + (begin_ + begin) * k,
                               only.owner);
  }
  Tensor<float> result({n, k});
  read_into(begin, end, result.data());
  return result;
}

void StoredMatrix::read_into(std::int64_t begin, std::int64_t end, float* to) const {
  check(begin, end);
  std::int64_t first = -begin_;  // row of the part's first one
  for (const auto& part : parts_) {
    const auto from = std::clamp<std::int64_t>(begin - first, 0, part.rows),
               until = std::clamp<std::int64_t>(end - first, 0, part.rows);
    if (from < until) read_part(part, from, until, to);
    to += (until - from) * part.columns;
    first += part.rows;
  }
}

}  // namespace beeld
