#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "core/base/parallel.h"
#include "core/ops/cross_entropy.h"
#include "core/ops/linear.h"
#include "core/tensor/tape.h"
#include "multimodal/probe/features.h"
#include "multimodal/probe/minimize.h"

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
  Tensor<double> rows;               // [N,D]
  std::vector<std::int64_t> labels;  // N
};

Examples chosen(const MatrixXd& rows, const std::vector<std::size_t>& labels,
                const std::vector<std::size_t>& which) {
  const auto width = static_cast<std::int64_t>(rows.cols());
  Examples result{Tensor<double>({static_cast<std::int64_t>(which.size()), width}), {}};
  for (const auto i : which) {
    double* row = result.rows.row(static_cast<std::int64_t>(result.labels.size()));
    for (Index j = 0; j < rows.cols(); ++j) row[j] = rows(static_cast<Index>(i), j);
    result.labels.push_back(static_cast<std::int64_t>(labels[i]));
  }
  return result;
}

/// The mean negative log likelihood of examples, and its gradient, as a function of the weights [K,D] and
/// then the biases [K].
class Likelihood {
 public:
  Likelihood(const Examples& examples, Index classes) : examples_(examples), classes_(classes) {}

  Index parameters() const { return classes_ * (examples_.rows.columns() + 1); }

  /// Adds the gradient to `gradient`, where there is one.
  double operator()(const VectorXd& parameters, VectorXd* gradient) const {
    const auto count = examples_.rows.rows();
    // The number of blocks follows from the examples alone, so that sums do not depend on the threads.
    const auto blocks = std::clamp<std::int64_t>(count / block_rows, 1, most_blocks);
    std::vector<double> losses(static_cast<std::size_t>(blocks));
    std::vector<VectorXd> gradients(static_cast<std::size_t>(blocks));
    parallel_for(blocks, 1, [&](std::int64_t begin, std::int64_t end) {
      for (auto b = begin; b < end; ++b) {
        const auto part = static_cast<std::size_t>(b);
        losses[part] = block(parameters, count * b / blocks, count * (b + 1) / blocks,
                             gradient ? &gradients[part] : nullptr);
      }
    });
    double loss = 0;
    for (const double part : losses) loss += part;
    for (const auto& part : gradients) {
      if (gradient) *gradient += part / static_cast<double>(count);
    }
    return loss / static_cast<double>(count);
  }

 private:
  /// The sum over rows [first, last).
  double block(const VectorXd& parameters, std::int64_t first, std::int64_t last, VectorXd* gradient) const {
    const auto width = examples_.rows.columns();
    Linear<double> weights;
    Tensor<double> matrix({classes_, width});
    std::copy_n(parameters.data(), classes_ * width, matrix.data());
    weights.weight = matrix;
    weights.bias = Tensor<double>({classes_});
    std::copy_n(parameters.data() + classes_ * width, classes_, weights.bias.data());

    Tape<double> tape;
    Pass<double> pass;
    if (gradient) {
      tape.watch(matrix);
      tape.watch(weights.bias);
      pass.tape = &tape;
    }
    const auto logits = linear(examples_.rows.slice(first, last), weights, pass);  // [N,K]
    auto slope = Tensor<double>::zeros(logits.shape());
    const auto labels = std::span(examples_.labels)
                            .subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first));
    const double loss = cross_entropy(logits, labels, static_cast<double>(last - first), slope);
    if (gradient) {
      tape.add(logits, slope);
      tape.backward();
      gradient->resize(parameters.size());
      std::copy_n(tape.gradient(matrix).data(), classes_ * width, gradient->data());
      std::copy_n(tape.gradient(weights.bias).data(), classes_, gradient->data() + classes_ * width);
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

/// The weights [K,D] and biases [K] of least penalised loss, found from `start`.
VectorXd fit(const Examples& examples, Index classes, Fit options, VectorXd start) {
  const Likelihood likelihood(examples, classes);
  const Index weights = classes * examples.rows.columns();
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
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const RowMajor> weights(parameters.data(), count, rows.cols());
  return features.classifier(weights, parameters.tail(count), penalty);
}

}  // namespace beeld
