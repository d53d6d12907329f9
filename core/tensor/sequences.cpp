#include "core/tensor/sequences.h"

#include <beeld/error.h>

#include <algorithm>
#include <string>

namespace beeld {

Sequences Sequences::equal(std::int64_t count, std::int64_t length) {
  Sequences sequences;
  for (std::int64_t b = 0; b < count; ++b) sequences.append(length);
  return sequences;
}

Sequences Sequences::gather(std::span<const std::int64_t> parents) const {
  Sequences result;
  result.rows_ = rows_;
  for (const auto parent : parents) {
    if (parent < 0 || parent >= count()) {
      throw Error(ErrorCode::invalid_argument,
                  "[sequences] sequence " + std::to_string(parent) + " of " + std::to_string(count()));
    }
    result.all_.push_back((*this)[parent]);
  }
  return result;
}

Sequences Sequences::single(std::span<const std::int64_t> rows) const {
  if (static_cast<std::int64_t>(rows.size()) != count()) {
    throw Error(ErrorCode::invalid_argument, "[sequences] " + std::to_string(rows.size()) + " rows for " +
                                                 std::to_string(count()) +
                                                 " sequences, one is wanted of each");
  }
  Sequences result;
  for (std::int64_t b = 0; b < count(); ++b) {
    const auto& sequence = (*this)[b];
    const auto row = rows[static_cast<std::size_t>(b)];
    if (row < sequence.begin || row >= sequence.end()) {
      throw Error(ErrorCode::invalid_argument, "[sequences] row " + std::to_string(row) +
                                                   " is wanted of sequence " + std::to_string(b) +
                                                   ", which is rows " + std::to_string(sequence.begin) +
                                                   " to " + std::to_string(sequence.end() - 1));
    }
    result.append(1, sequence.first + row - sequence.begin);
  }
  return result;
}

std::vector<std::int64_t> Sequences::first_rows() const {
  std::vector<std::int64_t> rows;
  for (const auto& sequence : all_) rows.push_back(sequence.begin);
  return rows;
}

std::int64_t Sequences::positions() const {
  std::int64_t positions = 0;
  for (const auto& sequence : all_) positions = std::max(positions, sequence.next());
  return positions;
}

}  // namespace beeld
