#include "multimodal/probe/features.h"

#include <cmath>

namespace beeld {

ProbeFeatures::ProbeFeatures(const Matrix& embeddings) {
  using Floats = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  rows_ = Eigen::Map<const Floats>(embeddings.values.data(), static_cast<Eigen::Index>(embeddings.rows),
                                   static_cast<Eigen::Index>(embeddings.columns))
              .cast<double>();
  mean_ = rows_.colwise().mean();
  rows_.rowwise() -= mean_;
  const double variance = rows_.squaredNorm() / static_cast<double>(rows_.size());
  if (variance > 0) scale_ = std::sqrt(variance);
  rows_ /= scale_;
}

LinearClassifier ProbeFeatures::classifier(const Eigen::MatrixXd& weights, const Eigen::VectorXd& bias,
                                           double penalty) const {
  const Eigen::MatrixXd unscaled = weights / scale_;
  const Eigen::VectorXd shifted = bias - unscaled * mean_.transpose();
  LinearClassifier result;
  result.weights = Matrix(static_cast<std::size_t>(weights.rows()), static_cast<std::size_t>(weights.cols()));
  for (Eigen::Index k = 0; k < weights.rows(); ++k) {
    for (Eigen::Index d = 0; d < weights.cols(); ++d) {
      result.weights[static_cast<std::size_t>(k)][static_cast<std::size_t>(d)] =
          static_cast<float>(unscaled(k, d));
    }
    result.bias.push_back(static_cast<float>(shifted(k)));
  }
  result.penalty = penalty;
  return result;
}

}  // namespace beeld
