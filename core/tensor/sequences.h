#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace beeld {

/// Rows [begin, begin + length) of a matrix [N,C]. The first of them stands at position `first` of its
/// sequence, the next at `first` + 1: a single row may stand anywhere.
struct Sequence {
  std::int64_t begin = 0;
  std::int64_t length = 0;
  std::int64_t first = 0;

  std::int64_t end() const { return begin + length; }   ///< the row behind the last one
  std::int64_t next() const { return first + length; }  ///< the position behind the last one
};

/// The sequences of a batch [N,C]. They stand end to end as they are appended; several may be the same rows,
/// which is what gather() makes of them.
class Sequences {
 public:
  /// B sequences of T tokens each, which begin at position 0.
  static Sequences equal(std::int64_t count, std::int64_t length);

  void append(std::int64_t length, std::int64_t first = 0) {
    all_.push_back({rows_, length, first});
    rows_ += length;
  }

  std::int64_t count() const { return static_cast<std::int64_t>(all_.size()); }  ///< B
  std::int64_t rows() const { return rows_; }                                    ///< N
  const Sequence& operator[](std::int64_t b) const { return all_[static_cast<std::size_t>(b)]; }
  auto begin() const { return all_.begin(); }
  auto end() const { return all_.end(); }

  /// Sequence parents[i] as sequence i, of the same rows. Throws Error(invalid_argument) where there is none.
  Sequences gather(std::span<const std::int64_t> parents) const;

  /// One row of each sequence, at the position that it has here. Throws Error(invalid_argument) where `rows`
  /// does not name one row of every sequence.
  Sequences single(std::span<const std::int64_t> rows) const;

  /// The first row of each.
  std::vector<std::int64_t> first_rows() const;

  /// How many positions there are, up to the farthest one.
  std::int64_t positions() const;

 private:
  std::vector<Sequence> all_;
  std::int64_t rows_ = 0;
};

}  // namespace beeld
