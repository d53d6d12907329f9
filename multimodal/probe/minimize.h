#pragma once

#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>
#include <functional>

namespace beeld {

/// Value of a smooth function at `x`; writes its gradient.
using Objective = std::function<double(const Eigen::VectorXd& x, Eigen::VectorXd& gradient)>;

/// Where a convex function is least, from `start` on, by L-BFGS (Nocedal & Wright, algorithm 7.5, ten pairs,
/// a line search that halves the step). Ends where the gradient is negligible, or a step's progress is less
/// than `tolerance` of the value, or after 500 steps.
Eigen::VectorXd minimize(const Objective& objective, Eigen::VectorXd start, double tolerance);

}  // namespace beeld
