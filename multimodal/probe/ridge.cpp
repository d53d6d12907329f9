#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "multimodal/probe/features.h"

namespace beeld {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr Index most_judged = 16384;    // examples left out one at a time
constexpr double one_shot_penalty = 1;  // where leaving one out leaves nothing of many classes
constexpr double one_shot_sharpness = 10;

/// Directions in which the examples vary, and how much.
struct Axes {
  MatrixXd directions;  ///< [D,R]
  VectorXd variances;   ///< [R]
};

/// Of rows `z` [N,D] with mean zero, from the smaller of the covariance [D,D] and the inner products [N,N].
Axes principal_axes(const MatrixXd& z) {
  const auto count = static_cast<double>(z.rows());
  if (z.cols() <= z.rows()) {
    MatrixXd covariance = MatrixXd::Zero(z.cols(), z.cols());
    covariance.selfadjointView<Eigen::Lower>().rankUpdate(z.transpose(), 1 / count);
    const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(covariance);
    return {solver.eigenvectors(), solver.eigenvalues().cwiseMax(0.0)};
  }
  MatrixXd products = MatrixXd::Zero(z.rows(), z.rows());
  products.selfadjointView<Eigen::Lower>().rankUpdate(z, 1 / count);
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(products);
  const VectorXd& values = solver.eigenvalues();  // ascending
  const double smallest = 1e-12 * values(values.size() - 1);
  Index rank = 0;
  while (rank < values.size() && values(values.size() - 1 - rank) > smallest) ++rank;
  const VectorXd kept = values.tail(rank);
  const VectorXd lengths = (kept * count).cwiseSqrt();
  return {z.transpose() * solver.eigenvectors().rightCols(rank) * lengths.cwiseInverse().asDiagonal(), kept};
}

/// Least squares with targets one (the class) and zero (the rest).
class Ridge {
 public:
  Ridge(const LabelledEmbeddings& examples, std::size_t classes)
      : labels_(examples.labels),
        features_(examples.embeddings),
        axes_(principal_axes(features_.rows())),
        frequencies_(VectorXd::Zero(static_cast<Index>(classes))) {
    const auto& z = features_.rows();
    MatrixXd sums = MatrixXd::Zero(static_cast<Index>(classes), z.cols());
    for (Index i = 0; i < z.rows(); ++i) {
      sums.row(label(i)) += z.row(i);
      frequencies_(label(i)) += 1;
    }
    frequencies_ /= static_cast<double>(z.rows());
    targets_ = axes_.directions.transpose() * sums.transpose() / static_cast<double>(z.rows());
    choose_judged();
  }

  /// What the fit without example judged_[j] says of it, one row each: [J,K].
  MatrixXd left_out(double penalty) const {
    const auto count = static_cast<double>(features_.rows().rows());
    const VectorXd shrink = (axes_.variances.array() + penalty).inverse();
    MatrixXd result = projected_ * (shrink.asDiagonal() * targets_);
    result.rowwise() += frequencies_.transpose();
    const VectorXd leverages = (projected_.cwiseAbs2() * shrink).array() / count + 1 / count;
    for (Index j = 0; j < result.rows(); ++j) {
      const double kept = std::max(1 - leverages(j), 1e-9);
      Eigen::RowVectorXd target = Eigen::RowVectorXd::Zero(result.cols());
      target(judged_label(j)) = 1;
      result.row(j) = target - (target - result.row(j)) / kept;
    }
    return result;
  }

  /// The penalty with the most examples right that were left out; the smaller error decides between equals.
  double best_penalty() const {
    double best = 1, best_error = 0;
    Index best_right = -1;
    for (int exponent = -8; exponent <= 6; ++exponent) {
      const double penalty = std::pow(10.0, exponent / 2.0);
      const auto predicted = left_out(penalty);
      Index right = 0;
      double error = predicted.squaredNorm();
      for (Index j = 0; j < predicted.rows(); ++j) {
        Index winner = 0;
        predicted.row(j).maxCoeff(&winner);
        right += winner == judged_label(j) ? 1 : 0;
        error += 1 - 2 * predicted(j, judged_label(j));
      }
      if (right > best_right || (right == best_right && error < best_error)) {
        best = penalty;
        best_right = right;
        best_error = error;
      }
    }
    return best;
  }

  /// The factor that makes the softmax of what left_out() says most likely: a golden-section search, for the
  /// likelihood is concave in it. As in Platt scaling, one example in J + 2 is taken to be mislabelled, so
  /// that no example makes the classifier certain.
  double best_sharpness(double penalty) const {
    const auto predicted = left_out(penalty);
    const double doubt = 1 / static_cast<double>(predicted.rows() + 2);
    const auto loss = [&](double log_factor) {
      const double factor = std::exp(log_factor);
      double sum = 0;
      for (Index j = 0; j < predicted.rows(); ++j) {
        const double largest = predicted.row(j).maxCoeff();
        const double total = (factor * (predicted.row(j).array() - largest)).exp().sum();
        const double expected = (1 - doubt) * predicted(j, judged_label(j)) + doubt * predicted.row(j).mean();
        sum += std::log(total) - factor * (expected - largest);
      }
      return sum;
    };
    const double golden = (std::sqrt(5.0) - 1) / 2;
    double low = std::log(0.1), high = std::log(1000.0);
    for (int step = 0; step < 40; ++step) {
      const double a = high - golden * (high - low), b = low + golden * (high - low);
      if (loss(a) < loss(b))
        high = b;
      else
        low = a;
    }
    return std::exp((low + high) / 2);
  }

  LinearClassifier classifier(double penalty, double sharpness) const {
    const VectorXd shrink = (axes_.variances.array() + penalty).inverse();
    const MatrixXd weights = (axes_.directions * (shrink.asDiagonal() * targets_)).transpose();
    return features_.classifier(sharpness * weights, sharpness * frequencies_, penalty);
  }

 private:
  Index label(Index example) const { return static_cast<Index>(labels_[static_cast<std::size_t>(example)]); }
  Index judged_label(Index j) const { return label(judged_[static_cast<std::size_t>(j)]); }

  /// All examples, or as many as are enough, evenly spaced.
  void choose_judged() {
    const auto& z = features_.rows();
    const Index count = std::min(z.rows(), most_judged);
    MatrixXd chosen(count, z.cols());
    for (Index j = 0; j < count; ++j) {
      judged_.push_back(j * z.rows() / count);
      chosen.row(j) = z.row(judged_.back());
    }
    projected_ = chosen * axes_.directions;
  }

  const std::vector<std::size_t>& labels_;
  ProbeFeatures features_;
  Axes axes_;
  VectorXd frequencies_;       ///< [K], of the classes
  MatrixXd targets_;           ///< [R,K], the targets' covariance with the examples along each axis
  std::vector<Index> judged_;  ///< examples
  MatrixXd projected_;         ///< [J,R], those along each axis
};

}  // namespace

LinearClassifier fit_ridge(const LabelledEmbeddings& examples, std::size_t classes) {
  const Ridge ridge(examples, classes);
  if (examples.labels.size() < 2 * classes) {
    return ridge.classifier(one_shot_penalty, one_shot_sharpness);
  }
  const double penalty = ridge.best_penalty();
  return ridge.classifier(penalty, ridge.best_sharpness(penalty));
}

}  // namespace beeld
