#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/tensor/tensor.h"

namespace beeld {

/// What asks, and what is asked.
enum class AttentionKind {
  self,     ///< rows ask the rows of their own sequence
  cross,    ///< rows ask a memory
  pooling,  ///< a learned query asks all rows
};

/// Which attention of a model it is; a pooling stands in layer 0.
struct AttentionPlace {
  AttentionKind kind = AttentionKind::self;
  int layer = 0;
};

/// How one head of one sequence divides its attention: row i sums to one.
template <class T>
struct AttentionMap {
  AttentionPlace place;
  int head = 0;
  std::int64_t sequence = 0;
  Tensor<T> probabilities;  // [Tq,Tk]
};

/// Asks a pass for attention probabilities, and receives them: in the order of the layers, of each the
/// sequences, of each the heads. Where only some rows of the last layer are wanted, it has no others here.
template <class T>
struct AttentionMaps {
  // What is asked for; an empty list asks for all there are.
  std::vector<AttentionKind> kinds;
  std::vector<int> layers;
  std::vector<int> heads;

  std::vector<AttentionMap<T>> found;

  bool asks(AttentionPlace place, int head) const {
    const auto listed = [](const auto& list, auto value) {
      return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
    };
    return listed(kinds, place.kind) && listed(layers, place.layer) && listed(heads, head);
  }
};

}  // namespace beeld
