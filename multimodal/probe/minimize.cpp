#include "multimodal/probe/minimize.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <vector>

namespace beeld {

namespace {

using Eigen::VectorXd;

constexpr std::size_t most_pairs = 10;
constexpr int most_steps = 500;
constexpr int most_halvings = 30;
constexpr double sufficient = 1e-4;           // of the decrease that the slope promises
constexpr double negligible_gradient = 1e-6;  // of the largest component

/// A step taken and the gradient's change along it.
struct Pair {
  VectorXd step;
  VectorXd change;
  double curvature;
};

/// Minus the gradient times the inverse Hessian that the pairs tell of.
VectorXd direction(const std::deque<Pair>& pairs, const VectorXd& gradient) {
  VectorXd q = gradient;
  std::vector<double> alphas(pairs.size());
  for (std::size_t i = pairs.size(); i-- > 0;) {
    alphas[i] = pairs[i].step.dot(q) / pairs[i].curvature;
    q -= alphas[i] * pairs[i].change;
  }
  if (!pairs.empty()) q *= pairs.back().curvature / pairs.back().change.squaredNorm();
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const double beta = pairs[i].change.dot(q) / pairs[i].curvature;
    q += (alphas[i] - beta) * pairs[i].step;
  }
  return -q;
}

}  // namespace

VectorXd minimize(const Objective& objective, VectorXd start, double tolerance) {
  VectorXd x = std::move(start), gradient, next_gradient;
  double value = objective(x, gradient);
  std::deque<Pair> pairs;
  for (int step = 0; step < most_steps && gradient.lpNorm<Eigen::Infinity>() > negligible_gradient; ++step) {
    const VectorXd way = direction(pairs, gradient);
    const double slope = way.dot(gradient);
    double length = pairs.empty() ? std::min(1.0, 1 / gradient.norm()) : 1.0;
    VectorXd next;
    double next_value = value;
    int halvings = 0;
    for (; halvings < most_halvings; ++halvings, length /= 2) {
      next = x + length * way;
      next_value = objective(next, next_gradient);
      if (next_value <= value + sufficient * length * slope) break;
    }
    if (halvings == most_halvings) break;  // rounding is all that is left
    Pair pair{next - x, next_gradient - gradient, 0};
    pair.curvature = pair.step.dot(pair.change);
    if (pair.curvature > 1e-12 * pair.change.squaredNorm()) {
      pairs.push_back(std::move(pair));
      if (pairs.size() > most_pairs) pairs.pop_front();
    }
    const double progress = value - next_value;
    x = std::move(next);
    std::swap(gradient, next_gradient);
    value = next_value;
    if (progress <= tolerance * std::abs(value)) break;
  }
  return x;
}

}  // namespace beeld
