#pragma once

#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>

#include "multimodal/probe/probe.h"

namespace beeld {

/// Embeddings on a scale on which one range of penalties suits every model: mean zero, mean variance one.
class ProbeFeatures {
 public:
  explicit ProbeFeatures(const Matrix& embeddings);

  const Eigen::MatrixXd& rows() const { return rows_; }  ///< [N,D]

  /// The classifier of embeddings that gives what `weights` [K,D] and `bias` [K] give of rows().
  LinearClassifier classifier(const Eigen::MatrixXd& weights, const Eigen::VectorXd& bias,
                              double penalty) const;

 private:
  Eigen::MatrixXd rows_;
  Eigen::RowVectorXd mean_;  ///< [D]
  double scale_ = 1;
};

LinearClassifier fit_ridge(const LabelledEmbeddings& examples, std::size_t classes);
LinearClassifier fit_logistic(const LabelledEmbeddings& examples, std::size_t classes);

}  // namespace beeld
