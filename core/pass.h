#pragma once

#include <cstdint>
#include <vector>

#include "core/op_times.h"
#include "core/tensor.h"

namespace beeld {

template <class T>
class Tape;

/// Where the sequences of a batch begin in its rows [N,C]: sequence b is rows [begin[b], begin[b+1]).
struct Sequences {
  std::vector<std::int64_t> begin{0};  ///< B + 1 entries, the last is N

  /// B sequences of T tokens each.
  static Sequences equal(std::int64_t count, std::int64_t length);

  void append(std::int64_t length) { begin.push_back(begin.back() + length); }
  std::int64_t count() const { return static_cast<std::int64_t>(begin.size()) - 1; }
  std::int64_t rows() const { return begin.back(); }
  std::int64_t length(std::int64_t b) const { return begin[b + 1] - begin[b]; }
};

/// How the operations of one call may use the machine.
enum class Workers {
  one,  ///< in the calling thread: the caller runs many passes side by side
  all,  ///< a single pass is spread over all threads
};

/// What belongs to one forward call: which rows form a sequence, and what training remembers.
/// Weights are const and shared; a Pass is not.
template <class T>
struct Pass {
  Sequences sequences;
  Tensor<T> attention_bias;  ///< [H,T,T] added to the scores of every sequence, or empty
  Workers workers = Workers::one;
  Tape<T>* tape = nullptr;   ///< null: inference, nothing is saved
  OpTimes* times = nullptr;  ///< null: nothing is measured
};

}  // namespace beeld
