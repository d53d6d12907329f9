#pragma once

#include "core/tensor/op_times.h"
#include "core/tensor/sequences.h"
#include "core/tensor/tensor.h"

namespace beeld {

template <class T>
class Tape;

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
