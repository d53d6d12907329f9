#pragma once

#include <cstdint>
#include <span>

#include "core/tensor/tensor.h"

namespace beeld {

/// Cross-entropy of the rows of softmax(logits) against `targets`, whose rows sum to one or are zero; the
/// gradient replaces the logits: [N,K], [N,K] -> sum over the rows.
template <class T>
T row_cross_entropy(Tensor<T>& logits, const Tensor<T>& targets);

/// Mean of -log softmax(logits)[label]: logits [N,K] -> value; adds to gradient [N,K].
template <class T>
T cross_entropy(const Tensor<T>& logits, std::span<const std::int64_t> labels, T weight, Tensor<T>& gradient);

}  // namespace beeld
