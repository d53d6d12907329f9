#pragma once

#include <beeld/matrix.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace beeld {

/// Unit embeddings with their classes.
struct LabelledEmbeddings {
  Matrix embeddings;                ///< [N,D]
  std::vector<std::size_t> labels;  ///< size N, each below the number of classes K
};

/// How a linear classifier is found. Both penalise the squared weights, not the bias.
enum class ProbeMethod {
  ridge,     ///< Least squares on one-vs-rest targets, in closed form; penalty by leave-one-out accuracy.
  logistic,  ///< Multinomial logistic regression by L-BFGS; penalty by the likelihood of held-out examples.
};

/// Logits that are linear in the embedding; their softmax estimates the classes' probabilities.
struct LinearClassifier {
  Matrix weights;           ///< [K,D]
  std::vector<float> bias;  ///< size K
  double penalty = 0;       ///< The one chosen, relative to the mean variance of the embeddings' values.

  /// [N,K] of embeddings [N,D]. Throws Error(invalid_argument) for another D.
  Matrix logits(const Matrix& embeddings) const;
};

/// Fits a classifier of K classes. The result does not depend on the number of threads.
///
/// Throws Error(invalid_argument): no examples, a label that is K or more, or an embedding with a value that
/// is not finite. A class without examples is allowed, and never wins by more than its bias.
LinearClassifier fit_linear(const LabelledEmbeddings& examples, std::size_t classes, ProbeMethod method);

/// Percent of examples whose largest logit is their class's.
double accuracy(const LinearClassifier& classifier, const LabelledEmbeddings& examples);

/// The smallest number of examples that any of K classes has.
std::size_t smallest_class(std::span<const std::size_t> labels, std::size_t classes);

struct FewShotOptions {
  std::size_t classes = 0;         ///< K
  std::vector<std::size_t> shots;  ///< Numbers of examples a class.
  std::size_t draws = 5;           ///< Random choices of examples for each number.
  std::uint64_t seed = 1;
  ProbeMethod method = ProbeMethod::ridge;
  std::function<void(std::size_t done, std::size_t total)> progress;  ///< Fits done; may be empty, may throw.
};

/// Accuracy over the draws, in percent.
struct FewShotRow {
  std::size_t shots = 0;
  double mean = 0;
  double deviation = 0;  ///< Standard deviation; 0 for one draw.
};

/// Accuracy on `test` of classifiers that saw only so many examples of each class, drawn from `train`.
/// Throws Error(invalid_argument) where a class has fewer examples, or a number is 0.
std::vector<FewShotRow> few_shot(const LabelledEmbeddings& train, const LabelledEmbeddings& test,
                                 const FewShotOptions& options);

}  // namespace beeld
