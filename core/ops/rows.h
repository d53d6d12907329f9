#pragma once

#include <cstdint>
#include <span>

#include "core/ops/weight.h"
#include "core/tensor/pass.h"
#include "core/tensor/sequences.h"
#include "core/tensor/tensor.h"

namespace beeld {

/// Row table[ids[i]] for every i: [V,C], N ids -> [N,C]. Serves token embeddings, positions and pooling.
/// Throws Error(invalid_argument) for an id outside [0,V).
template <class T>
Tensor<T> gather(const Tensor<T>& table, std::span<const std::int64_t> ids, Pass<T>& pass);

/// The same of a learned table. One that is stored stays so: the rows are read from its file, and widened.
/// Throws as well, with the same code, for a packed one, and where a tape is to record one that is not plain.
template <class T>
Tensor<T> gather(const Weight<T>& table, std::span<const std::int64_t> ids, Pass<T>& pass);

/// x + y, or x + gain * y with a gain for every channel: [N,C], [N,C], [C] or empty -> [N,C].
/// Overwrites x where nobody else holds it.
template <class T>
Tensor<T> add(Tensor<T> x, const Tensor<T>& y, const Tensor<T>& gain, Pass<T>& pass);

/// The mean of each sequence's rows, leaving out its first `skip`: [N,C] -> [B,C]
template <class T>
Tensor<T> mean_rows(const Tensor<T>& x, const Sequences& sequences, std::int64_t skip, Pass<T>& pass);

/// Each row times the factors of its sequence: [N,C], [B,C] -> [N,C]
template <class T>
Tensor<T> scale(const Tensor<T>& x, const Tensor<T>& factors, const Sequences& sequences, Pass<T>& pass);

/// Each sequence with a row in front: [B,C], [N,C] -> [B+N,C]
template <class T>
Tensor<T> prepend(const Tensor<T>& first, const Tensor<T>& x, const Sequences& sequences, Pass<T>& pass);

/// The largest value of each channel over each sequence's rows, leaving out its first `skip`: [N,C] -> [B,C].
/// Its gradient goes to the first row that has it.
template <class T>
Tensor<T> max_rows(const Tensor<T>& x, const Sequences& sequences, std::int64_t skip, Pass<T>& pass);

/// Every row divided by its length: [N,C] -> [N,C]. A row of zeros stays one.
template <class T>
Tensor<T> l2_normalize(const Tensor<T>& x, Pass<T>& pass);

/// The columns of both: [N,A], [N,B] -> [N,A+B]
template <class T>
Tensor<T> concat(const Tensor<T>& left, const Tensor<T>& right, Pass<T>& pass);

}  // namespace beeld
