#pragma once

#include "core/tensor/op_times.h"
#include "core/tensor/tensor.h"

namespace beeld {

template <class T>
class Tape;

/// How the operations of one call may use the machine.
enum class Workers {
  one,  ///< in the calling thread: the caller runs many passes side by side
  all,  ///< a single pass is spread over all threads
};

/// How one forward call runs, and what it remembers and measures. Weights are const and shared; a Pass is
/// not. It says nothing about the data: that is for arguments.
template <class T>
struct Pass {
  Workers workers = Workers::one;
  Tape<T>* tape = nullptr;   ///< null: inference, nothing is saved
  OpTimes* times = nullptr;  ///< null: nothing is measured
};

}  // namespace beeld
