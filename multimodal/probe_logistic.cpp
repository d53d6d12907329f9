#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/parallel.h"
#include "multimodal/minimize.h"
#include "multimodal/probe_features.h"

namespace beeld {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr Index most_blocks = 16;
constexpr Index block_rows = 256;
constexpr std::size_t most_tried = 8192;   // examples that take part in choosing the penalty
constexpr std::size_t held_out_every = 4;  // of a class's examples
constexpr double rough = 1e-4, fine = 1e-8;
constexpr double one_shot_penalty = 0.01;  // where there is nothing to hold out

/// Rows of features with their classes.
struct Examples {
  MatrixXd rows;              ///< [N,D]
  std::vector<Index> labels;  ///< size N
};

Examples chosen(const MatrixXd& rows, const std::vector<std::size_t>& labels,
                const std::vector<std::size_t>& which) {
  Examples result{MatrixXd(static_cast<Index>(which.size()), rows.cols()), {}};
  for (const auto i : which) {
    result.rows.row(static_cast<Index>(result.labels.size())) = rows.row(static_cast<Index>(i));
    result.labels.push_back(static_cast<Index>(labels[i]));
  }
  return result;
}

/// The mean negative log likelihood of examples, and its gradient, as a function of [K,D+1] parameters: the
/// weights, and the bias in the last column.
class Likelihood {
 public:
  Likelihood(const Examples& examples, Index classes) : examples_(examples), classes_(classes) {}

  Index parameters() const { return classes_ * (examples_.rows.cols() + 1); }

  /// Adds the gradient to `gradient`, where there is one.
  double operator()(const VectorXd& parameters, VectorXd* gradient) const {
    const Index width = examples_.rows.cols(), count = examples_.rows.rows();
    const Eigen::Map<const MatrixXd> weights(parameters.data(), classes_, width + 1);
    // The number of blocks follows from the examples alone, so that sums do not depend on the threads.
    const Index blocks = std::clamp<Index>(count / block_rows, 1, most_blocks);
    std::vector<double> losses(static_cast<std::size_t>(blocks));
    std::vector<MatrixXd> gradients(static_cast<std::size_t>(blocks));
    parallel_for(blocks, 1, [&](std::int64_t begin, std::int64_t end) {
      for (auto b = static_cast<std::size_t>(begin); b < static_cast<std::size_t>(end); ++b) {
        const Index first = static_cast<Index>(b) * count / blocks;
        const Index last = static_cast<Index>(b + 1) * count / blocks;
        losses[b] = block(weights, first, last, gradient ? &gradients[b] : nullptr);
      }
    });
    double loss = 0;
    for (const double part : losses) loss += part;
    if (gradient) {
      Eigen::Map<MatrixXd> total(gradient->data(), classes_, width + 1);
      for (const auto& part : gradients) total += part / static_cast<double>(count);
    }
    return loss / static_cast<double>(count);
  }

 private:
  double block(const Eigen::Ref<const MatrixXd>& weights, Index first, Index last, MatrixXd* gradient) const {
    const Index width = examples_.rows.cols();
    const auto rows = examples_.rows.middleRows(first, last - first);
    MatrixXd logits = rows * weights.leftCols(width).transpose();
    logits.rowwise() += weights.col(width).transpose();
    double loss = 0;
    for (Index i = 0; i < logits.rows(); ++i) {
      const Index label = examples_.labels[static_cast<std::size_t>(first + i)];
      const double largest = logits.row(i).maxCoeff();
      const double own = logits(i, label);
      logits.row(i) = (logits.row(i).array() - largest).exp();
      const double total = logits.row(i).sum();
      loss += std::log(total) + largest - own;
      logits.row(i) /= total;  // now the probabilities
      logits(i, label) -= 1;
    }
    if (gradient) {
      gradient->resize(classes_, width + 1);
      gradient->leftCols(width) = logits.transpose() * rows;
      gradient->col(width) = logits.colwise().sum().transpose();
    }
    return loss;
  }

  const Examples& examples_;
  Index classes_;
};

struct Fit {
  double penalty;
  double tolerance;  ///< of minimize()
};

/// The parameters [K,D+1] of least penalised loss, found from `start`.
VectorXd fit(const Examples& examples, Index classes, Fit options, VectorXd start) {
  const Likelihood likelihood(examples, classes);
  const Index weights = classes * examples.rows.cols();
  const auto objective = [&](const VectorXd& parameters, VectorXd& gradient) {
    gradient.setZero(parameters.size());
    gradient.head(weights) = options.penalty * parameters.head(weights);
    return likelihood(parameters, &gradient) + options.penalty / 2 * parameters.head(weights).squaredNorm();
  };
  return minimize(objective, std::move(start), options.tolerance);
}

/// Some examples of each class that has two or more are held out; the penalty under which they are likeliest.
double best_penalty(const MatrixXd& rows, const std::vector<std::size_t>& labels, Index classes) {
  std::vector<std::size_t> seen(static_cast<std::size_t>(classes)), kept, held_out;
  const std::size_t step = (labels.size() + most_tried - 1) / most_tried;
  for (std::size_t i = 0; i < labels.size(); i += step) {
    const bool holds = seen[labels[i]]++ % held_out_every == 1;
    (holds ? held_out : kept).push_back(i);
  }
  if (held_out.empty()) return one_shot_penalty;
  const auto training = chosen(rows, labels, kept), validation = chosen(rows, labels, held_out);
  const Likelihood judge(validation, classes);
  double best = one_shot_penalty, best_loss = std::numeric_limits<double>::infinity();
  VectorXd parameters = VectorXd::Zero(judge.parameters());
  for (const double penalty : {10.0, 1.0, 0.1, 0.03, 0.01, 0.003, 0.001, 1e-4, 1e-5}) {
    parameters = fit(training, classes, {penalty, rough}, std::move(parameters));
    const double loss = judge(parameters, nullptr);
    if (loss > 1.05 * best_loss) break;  // it only gets worse from here
    if (loss < best_loss) {
      best_loss = loss;
      best = penalty;
    }
  }
  return best;
}

}  // namespace

LinearClassifier fit_logistic(const LabelledEmbeddings& examples, std::size_t classes) {
  const ProbeFeatures features(examples.embeddings);
  const auto& rows = features.rows();
  const auto count = static_cast<Index>(classes);
  const double penalty = best_penalty(rows, examples.labels, count);
  std::vector<std::size_t> all(examples.labels.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  const auto parameters = fit(chosen(rows, examples.labels, all), count, {penalty, fine},
                              VectorXd::Zero(count * (rows.cols() + 1)));
  const Eigen::Map<const MatrixXd> fitted(parameters.data(), count, rows.cols() + 1);
  return features.classifier(fitted.leftCols(rows.cols()), fitted.col(rows.cols()), penalty);
}

}  // namespace beeld
