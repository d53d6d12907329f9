#include "multimodal/probe/probe.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <cmath>
#include <limits>
#include <random>

#include "core/base/parallel.h"
#include "multimodal/probe/minimize.h"
#include "tests/support/expect_error.h"

namespace beeld {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// Unit vectors around one random centre for each class, in turn.
LabelledEmbeddings clusters(std::size_t count, std::size_t classes, std::size_t width, double spread,
                            std::uint32_t seed = 1) {
  std::mt19937 centre_random(99), random(seed);
  std::normal_distribution<float> normal;
  Matrix centres(classes, width);
  for (auto& value : centres.values) value = normal(centre_random);
  LabelledEmbeddings result{Matrix(count, width), {}};
  for (std::size_t i = 0; i < count; ++i) {
    const auto label = i % classes;
    for (std::size_t d = 0; d < width; ++d)
      result.embeddings[i][d] = centres[label][d] + static_cast<float>(spread) * normal(random);
    result.labels.push_back(label);
  }
  normalize_rows(result.embeddings);
  return result;
}

/// The rows, centred and scaled to mean variance one.
MatrixXd scaled(const LabelledEmbeddings& data) {
  MatrixXd rows(data.embeddings.rows, data.embeddings.columns);
  for (std::size_t i = 0; i < data.embeddings.rows; ++i)
    for (std::size_t d = 0; d < data.embeddings.columns; ++d)
      rows(static_cast<Index>(i), static_cast<Index>(d)) = data.embeddings[i][d];
  rows.rowwise() -= rows.colwise().mean().eval();
  return rows / std::sqrt(rows.squaredNorm() / static_cast<double>(rows.size()));
}

/// What ridge regression without example `left_out` (or with all: -1) says of every example, [N,K]: the
/// definition, by normal equations with a column of ones.
MatrixXd ridge_by_definition(const LabelledEmbeddings& data, Index classes, double penalty, Index left_out) {
  const MatrixXd z = scaled(data);
  MatrixXd x(z.rows(), z.cols() + 1), y = MatrixXd::Zero(z.rows(), classes);
  x << z, VectorXd::Ones(z.rows());
  for (Index i = 0; i < z.rows(); ++i) y(i, static_cast<Index>(data.labels[static_cast<std::size_t>(i)])) = 1;
  MatrixXd kept_x = x, kept_y = y;
  if (left_out >= 0) {
    kept_x.row(left_out).setZero();
    kept_y.row(left_out).setZero();
  }
  MatrixXd normal = kept_x.transpose() * kept_x;
  normal.topLeftCorner(z.cols(), z.cols()).diagonal().array() += penalty * static_cast<double>(z.rows());
  return x * normal.ldlt().solve(kept_x.transpose() * kept_y);
}

MatrixXd left_out_by_definition(const LabelledEmbeddings& data, Index classes, double penalty) {
  MatrixXd result(data.embeddings.rows, classes);
  for (Index i = 0; i < result.rows(); ++i)
    result.row(i) = ridge_by_definition(data, classes, penalty, i).row(i);
  return result;
}

/// The negative log likelihood where one label in N + 2 is any of the classes.
double log_loss(const MatrixXd& logits, const std::vector<std::size_t>& labels) {
  const double doubt = 1 / static_cast<double>(logits.rows() + 2);
  double sum = 0;
  for (Index i = 0; i < logits.rows(); ++i) {
    const double own = logits(i, static_cast<Index>(labels[static_cast<std::size_t>(i)]));
    sum += std::log(logits.row(i).array().exp().sum()) - (1 - doubt) * own - doubt * logits.row(i).mean();
  }
  return sum;
}

MatrixXd logits_of(const LinearClassifier& classifier, const LabelledEmbeddings& data) {
  const auto logits = classifier.logits(data.embeddings);
  MatrixXd result(logits.rows, logits.columns);
  for (std::size_t i = 0; i < logits.rows; ++i)
    for (std::size_t k = 0; k < logits.columns; ++k)
      result(static_cast<Index>(i), static_cast<Index>(k)) = logits[i][k];
  return result;
}

/// With fewer and with more examples than values.
class RidgeProbe : public ::testing::TestWithParam<std::size_t> {
 protected:
  LabelledEmbeddings data_ = clusters(24, 3, GetParam(), 1.5);
};

TEST_P(RidgeProbe, ChoosesThePenaltyByLeavingOutEachExample) {
  double best = 0, best_error = 0;
  int best_right = -1;
  for (int exponent = -8; exponent <= 6; ++exponent) {
    const double penalty = std::pow(10.0, exponent / 2.0);
    const auto predicted = left_out_by_definition(data_, 3, penalty);
    int right = 0;
    double error = 0;
    for (Index i = 0; i < predicted.rows(); ++i) {
      const auto label = static_cast<Index>(data_.labels[static_cast<std::size_t>(i)]);
      Index winner = 0;
      predicted.row(i).maxCoeff(&winner);
      right += winner == label ? 1 : 0;
      error += predicted.row(i).squaredNorm() - 2 * predicted(i, label);
    }
    if (right > best_right || (right == best_right && error < best_error)) {
      best = penalty;
      best_right = right;
      best_error = error;
    }
  }
  ASSERT_GT(best_right, 8);  // better than chance
  EXPECT_DOUBLE_EQ(fit_linear(data_, 3, ProbeMethod::ridge).penalty, best);
}

TEST_P(RidgeProbe, IsLeastSquaresTimesTheLikeliestFactor) {
  const auto classifier = fit_linear(data_, 3, ProbeMethod::ridge);
  const auto logits = logits_of(classifier, data_);
  const auto expected = ridge_by_definition(data_, 3, classifier.penalty, -1);
  const double factor = logits.cwiseProduct(expected).sum() / expected.squaredNorm();
  EXPECT_GT(factor, 0);
  EXPECT_LT((logits - factor * expected).cwiseAbs().maxCoeff(), 1e-4 * factor);

  const auto left_out = left_out_by_definition(data_, 3, classifier.penalty);
  const double loss = log_loss(factor * left_out, data_.labels);
  EXPECT_LT(loss, log_loss(1.02 * factor * left_out, data_.labels));
  EXPECT_LT(loss, log_loss(0.98 * factor * left_out, data_.labels));
}

INSTANTIATE_TEST_SUITE_P(Widths, RidgeProbe, ::testing::Values(6, 40));

TEST(LogisticProbe, IsWhereThePenalisedLikelihoodIsFlat) {
  const auto data = clusters(60, 4, 8, 1.2);
  const auto classifier = fit_linear(data, 4, ProbeMethod::logistic);
  const MatrixXd z = scaled(data);
  MatrixXd probabilities = logits_of(classifier, data).array().exp();
  for (Index i = 0; i < probabilities.rows(); ++i) {
    probabilities.row(i) /= probabilities.row(i).sum();
    probabilities(i, static_cast<Index>(data.labels[static_cast<std::size_t>(i)])) -= 1;
  }
  // In features scaled like `z` the weights are those of the embeddings times one factor: found from the
  // logits' dependence on z, which is exact.
  MatrixXd x(z.rows(), z.cols() + 1);
  x << z, VectorXd::Ones(z.rows());
  const MatrixXd weights =
      (x.transpose() * x).ldlt().solve(x.transpose() * logits_of(classifier, data)).topRows(z.cols());
  const MatrixXd gradient = z.transpose() * probabilities / 60 + classifier.penalty * weights;
  EXPECT_GT(weights.cwiseAbs().maxCoeff(), 0.1);
  EXPECT_LT(gradient.cwiseAbs().maxCoeff(), 2e-4);
  EXPECT_LT(probabilities.colwise().sum().cwiseAbs().maxCoeff() / 60, 2e-4);  // the bias has no penalty
}

TEST(LogisticProbe, PrefersThePenaltyThatTheDataAskFor) {
  const auto clear = fit_linear(clusters(80, 2, 6, 0.2), 2, ProbeMethod::logistic);
  const auto noisy = fit_linear(clusters(80, 2, 6, 6), 2, ProbeMethod::logistic);
  EXPECT_LT(clear.penalty, noisy.penalty);
}

class AnyProbe : public ::testing::TestWithParam<ProbeMethod> {
 protected:
  static void expect_refused(const LabelledEmbeddings& data, std::size_t classes) {
    try {
      fit_linear(data, classes, GetParam());
      ADD_FAILURE() << "expected an error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument) << error.what();
    }
  }
};

TEST_P(AnyProbe, TellsClustersApartThatItHasNotSeen) {
  const auto train = clusters(100, 5, 16, 0.5), test = clusters(200, 5, 16, 0.5, 2);
  const auto classifier = fit_linear(train, 5, GetParam());
  EXPECT_GE(accuracy(classifier, test), 97);
  auto wrong = test;
  for (auto& label : wrong.labels) label = (label + 1) % 5;
  EXPECT_LE(accuracy(classifier, wrong), 3);
}

TEST_P(AnyProbe, LearnsFromOneExampleOfEachClass) {
  const auto classifier = fit_linear(clusters(5, 5, 16, 0.3), 5, GetParam());
  EXPECT_GE(accuracy(classifier, clusters(200, 5, 16, 0.3, 2)), 90);
}

TEST_P(AnyProbe, DoesNotDependOnTheNumberOfThreads) {
  const auto data = clusters(1200, 4, 12, 2);
  const int threads = thread_count();
  set_thread_count(1);
  const auto one = fit_linear(data, 4, GetParam());
  set_thread_count(4);
  const auto four = fit_linear(data, 4, GetParam());
  set_thread_count(threads);
  EXPECT_EQ(one.weights.values, four.weights.values);
  EXPECT_EQ(one.bias, four.bias);
}

TEST_P(AnyProbe, SurvivesWhatTeachesNothing) {
  LabelledEmbeddings same{Matrix(4, 3), {0, 1, 0, 1}};
  for (auto& value : same.embeddings.values) value = 0.5f;
  for (const auto& data : {same, clusters(1, 1, 3, 1)}) {
    const auto classifier = fit_linear(data, 3, GetParam());  // the third class has no example
    for (const float value : classifier.weights.values) EXPECT_TRUE(std::isfinite(value));
    for (const float value : classifier.bias) EXPECT_TRUE(std::isfinite(value));
  }
}

TEST_P(AnyProbe, RefusesWhatCannotBeRight) {
  expect_refused({}, 2);
  expect_refused(clusters(6, 3, 4, 1), 2);
  auto data = clusters(6, 3, 4, 1);
  data.labels.pop_back();
  expect_refused(data, 3);
  data = clusters(6, 3, 4, 1);
  data.embeddings[3][1] = std::numeric_limits<float>::quiet_NaN();
  expect_refused(data, 3);
}

INSTANTIATE_TEST_SUITE_P(Methods, AnyProbe, ::testing::Values(ProbeMethod::ridge, ProbeMethod::logistic));

TEST(LinearClassifier, RefusesEmbeddingsOfAnotherWidth) {
  const auto classifier = fit_linear(clusters(6, 3, 4, 1), 3, ProbeMethod::ridge);
  testing::expect_error(ErrorCode::invalid_argument, "expected embeddings of 4 values, got 5",
                        [&] { classifier.logits(Matrix(2, 5)); });
}

class FewShot : public ::testing::Test {
 protected:
  LabelledEmbeddings train_ = clusters(80, 4, 12, 1.5), test_ = clusters(400, 4, 12, 1.5, 2);
  FewShotOptions options_{.classes = 4, .shots = {1, 4, 16}, .draws = 4, .progress = {}};
};

TEST_F(FewShot, MoreExamplesAreBetter) {
  std::size_t steps = 0;
  options_.progress = [&](std::size_t done, std::size_t total) {
    EXPECT_EQ(done, ++steps);
    EXPECT_EQ(total, 12u);
  };
  const auto rows = few_shot(train_, test_, options_);
  EXPECT_EQ(steps, 12u);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].shots, 1u);
  EXPECT_EQ(rows[2].shots, 16u);
  EXPECT_GT(rows[0].mean, 30);  // chance is 25
  EXPECT_GT(rows[1].mean, rows[0].mean + 5);
  EXPECT_GT(rows[2].mean, rows[1].mean + 2);
  EXPECT_GT(rows[0].deviation, 0);
}

TEST_F(FewShot, TheSeedDecidesTheDraws) {
  const auto means = [&](std::uint64_t seed) {
    options_.seed = seed;
    std::vector<double> result;
    for (const auto& row : few_shot(train_, test_, options_)) result.push_back(row.mean);
    return result;
  };
  EXPECT_EQ(means(1), means(1));
  EXPECT_NE(means(1), means(2));
}

TEST_F(FewShot, AllExamplesAreTheWholeFit) {
  options_.shots = {20};
  const auto rows = few_shot(train_, test_, options_);
  const auto whole = accuracy(fit_linear(train_, 4, ProbeMethod::ridge), test_);
  EXPECT_NEAR(rows[0].mean, whole, 1e-9);
  EXPECT_NEAR(rows[0].deviation, 0, 1e-9);
}

TEST_F(FewShot, RefusesMoreExamplesThanThereAre) {
  options_.shots = {21};
  testing::expect_error(ErrorCode::invalid_argument,
                        "expected 1 to 20 examples a class, as many as the smallest class has, got 21",
                        [&] { few_shot(train_, test_, options_); });
  options_.shots = {0};
  testing::expect_error(ErrorCode::invalid_argument, "got 0", [&] { few_shot(train_, test_, options_); });
  EXPECT_EQ(smallest_class(train_.labels, 4), 20u);
  EXPECT_EQ(smallest_class(train_.labels, 5), 0u);
}

TEST(Minimize, FindsTheLeastOfAnIllConditionedBowl) {
  VectorXd wanted(6), curvature(6);
  wanted << 1, -2, 3, 0.5, -4, 2;
  curvature << 1, 10, 100, 1000, 0.1, 5;
  const auto found = minimize(
      [&](const VectorXd& x, VectorXd& gradient) {
        const VectorXd apart = x - wanted;
        gradient = curvature.cwiseProduct(apart);
        gradient.array() += 4 * apart.array().cube();
        return 0.5 * apart.dot(curvature.cwiseProduct(apart)) + apart.array().pow(4).sum();
      },
      VectorXd::Zero(6), 0);
  EXPECT_LT((found - wanted).cwiseAbs().maxCoeff(), 1e-4);
}

}  // namespace
}  // namespace beeld
