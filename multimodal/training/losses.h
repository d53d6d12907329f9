#pragma once

#include <cstdint>
#include <span>

#include "core/tensor/tensor.h"

namespace beeld {

// Losses on unit rows of B pictures and B texts. Each gives its value and its gradients; a gradient is added
// to what is there, so losses are summed by calling them one after another.

/// What a loss is a function of.
template <class T>
struct PairedEmbeddings {
  Tensor<T> images;  // [B,D], unit rows
  Tensor<T> texts;   // [B,D], unit rows
  T log_scale = 0;   // logits are exp(log_scale) * cosine
  T bias = 0;        // + bias, in the pairwise sigmoid loss
};

/// Gradients of the sum of the losses so far.
template <class T>
struct LossGradient {
  Tensor<T> images;  // [B,D]
  Tensor<T> texts;   // [B,D]
  T log_scale = 0;
  T bias = 0;

  /// All zero.
  static LossGradient like(const PairedEmbeddings<T>& pairs) {
    return {Tensor<T>::zeros(pairs.images.shape()), Tensor<T>::zeros(pairs.texts.shape()), 0, 0};
  }
};

/// Softmax cross-entropy over the batch in both directions, averaged (Radford et al. 2021). `groups` [B]:
/// pairs of one group describe each other as well, and share the target evenly (UniCL, Yang et al. 2022);
/// empty: every pair stands alone.
template <class T>
T contrastive_loss(const PairedEmbeddings<T>& pairs, std::span<const std::int64_t> groups, T weight,
                   LossGradient<T>& gradient);

/// -1/B sum over all pairs of log sigmoid(z * logit), z being +1 within a group and -1 otherwise (Zhai et al.
/// 2023).
template <class T>
T sigmoid_loss(const PairedEmbeddings<T>& pairs, std::span<const std::int64_t> groups, T weight,
               LossGradient<T>& gradient);

/// The mean of 1 - cosine over the rows that have a teacher's row: x [B,D], teacher [B,D], both unit rows; a
/// teacher's row of zeros is left out.
template <class T>
T cosine_loss(const Tensor<T>& x, const Tensor<T>& teacher, T weight, Tensor<T>& gradient);

/// The teacher's embeddings of a batch, and how sharply it tells them apart.
template <class T>
struct TeacherPairs {
  Tensor<T> images;  // [B,D'], unit rows, or zeros
  Tensor<T> texts;   // [B,D']
  T log_scale = 0;
};

/// Kullback-Leibler divergence of the student's softmax over the batch from the teacher's, in both
/// directions, over the pairs that the teacher knows (Wu et al. 2023, affinity mimicking).
template <class T>
T affinity_loss(const PairedEmbeddings<T>& pairs, const TeacherPairs<T>& teacher, T weight,
                LossGradient<T>& gradient);

}  // namespace beeld
