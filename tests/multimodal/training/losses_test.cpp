#include "multimodal/training/losses.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "core/ops/cross_entropy.h"
#include "core/ops/rows.h"
#include "core/tensor/tape.h"
#include "tests/support/expect_error.h"
#include "tests/support/random.h"
#include "tests/support/source_tree.h"

namespace beeld {
namespace {

using nlohmann::json;
using testing::difference;
using Groups = std::vector<std::int64_t>;

Tensor<double> matrix(const json& rows) {
  Tensor<double> x({static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(rows[0].size())});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < rows[i].size(); ++j) x.row(static_cast<std::int64_t>(i))[j] = rows[i][j];
  }
  return x;
}

Tensor<double> unit(const Tensor<double>& x) {
  Pass<double> pass;
  return l2_normalize(x, pass);
}

/// What PyTorch gives, to the last digits of double.
class LossesGolden : public ::testing::Test {
 protected:
  static json recorded(const char* loss) {
    const auto file = beeld::testing::source_folder() / "tests" / "golden" / "losses.json";
    return json::parse(read_file(file, 1u << 20))[loss];
  }

  static PairedEmbeddings<double> pairs(const json& inputs) {
    return {matrix(inputs["image"]), matrix(inputs["text"]), inputs["logit_scale"],
            inputs.value("logit_bias", 0.0)};
  }

  static void expect_equal(const json& expected, double value, const LossGradient<double>& gradient) {
    const auto& gradients = expected["gradients"];
    EXPECT_NEAR(value, expected["value"].get<double>(), 1e-13);
    EXPECT_LT(difference(gradient.images, matrix(gradients["image"])), 1e-13);
    EXPECT_LT(difference(gradient.texts, matrix(gradients["text"])), 1e-13);
    EXPECT_NEAR(gradient.log_scale, gradients["logit_scale"].get<double>(), 1e-13);
    EXPECT_NEAR(gradient.bias, gradients.value("logit_bias", 0.0), 1e-13);
  }
};

TEST_F(LossesGolden, Contrastive) {
  const auto expected = recorded("contrastive");
  const auto x = pairs(expected["inputs"]);
  auto gradient = LossGradient<double>::like(x);
  expect_equal(expected, contrastive_loss<double>(x, {}, 1, gradient), gradient);
}

TEST_F(LossesGolden, Sigmoid) {
  const auto expected = recorded("sigmoid");
  const auto x = pairs(expected["inputs"]);
  auto gradient = LossGradient<double>::like(x);
  expect_equal(expected, sigmoid_loss<double>(x, {}, 1, gradient), gradient);
}

TEST_F(LossesGolden, Affinity) {
  const auto expected = recorded("similarity_distillation");
  const auto& inputs = expected["inputs"];
  const auto x = pairs(inputs);
  const TeacherPairs<double> teacher{matrix(inputs["teacher_image"]), matrix(inputs["teacher_text"]),
                                     -std::log(inputs["temperature"].get<double>())};
  auto gradient = LossGradient<double>::like(x);
  expect_equal(expected, affinity_loss(x, teacher, 1.0, gradient), gradient);
}

TEST_F(LossesGolden, Cosine) {
  // Recorded by rows that are not unit vectors yet.
  const auto expected = recorded("cosine_distillation");
  const auto student = matrix(expected["inputs"]["student"]);
  const auto teacher = unit(matrix(expected["inputs"]["teacher"]));
  Tape<double> tape;
  tape.watch(student);
  Pass<double> pass;
  pass.tape = &tape;
  const auto rows = l2_normalize(student, pass);
  auto gradient = Tensor<double>::zeros(rows.shape());
  EXPECT_NEAR(cosine_loss(rows, teacher, 1.0, gradient), expected["value"].get<double>(), 1e-13);
  tape.add(rows, gradient);
  tape.backward();
  EXPECT_LT(difference(tape.gradient(student), matrix(expected["gradients"]["student"])), 1e-13);
}

TEST_F(LossesGolden, CrossEntropy) {
  const auto expected = recorded("cross_entropy");
  const auto logits = matrix(expected["inputs"]["logits"]);
  const Groups labels = expected["inputs"]["labels"];
  auto gradient = Tensor<double>::zeros(logits.shape());
  EXPECT_NEAR(cross_entropy<double>(logits, labels, 1, gradient), expected["value"].get<double>(), 1e-13);
  EXPECT_LT(difference(gradient, matrix(expected["gradients"]["logits"])), 1e-13);
}

// By central differences ------------------------------------------------------------------------------------

using PairLoss = std::function<double(const PairedEmbeddings<double>&, LossGradient<double>&)>;

PairedEmbeddings<double> random_pairs(std::int64_t count = 6) {
  return {unit(testing::random_tensor<double>({count, 5}, 1)),
          unit(testing::random_tensor<double>({count, 5}, 2)), 1.4, -0.7};
}

TeacherPairs<double> random_teacher(std::int64_t count = 6) {
  return {unit(testing::random_tensor<double>({count, 7}, 3)),
          unit(testing::random_tensor<double>({count, 7}, 4)), 2.0};
}

/// By one number, in fourth order: the error is far below 1e-9.
double slope_of(double& x, const std::function<double()>& value) {
  constexpr double step = 1e-3;
  const double middle = x;
  const auto at = [&](double offset) {
    x = middle + offset;
    return value();
  };
  const double near = at(step) - at(-step), far = at(2 * step) - at(-2 * step);
  x = middle;
  return (8 * near - far) / (12 * step);
}

void expect_slopes(Tensor<double> x, const Tensor<double>& gradient, const std::function<double()>& value) {
  for (std::int64_t i = 0; i < x.size(); ++i)
    EXPECT_NEAR(gradient.data()[i], slope_of(x.data()[i], value), 1e-9) << i;
}

void expect_gradients(const PairLoss& loss, PairedEmbeddings<double> x = random_pairs()) {
  auto gradient = LossGradient<double>::like(x);
  EXPECT_GT(loss(x, gradient), 1e-3);
  const auto value = [&] {
    auto unused = LossGradient<double>::like(x);
    return loss(x, unused);
  };
  expect_slopes(x.images, gradient.images, value);
  expect_slopes(x.texts, gradient.texts, value);
  EXPECT_NEAR(gradient.log_scale, slope_of(x.log_scale, value), 1e-9);
  EXPECT_NEAR(gradient.bias, slope_of(x.bias, value), 1e-9);
}

const Groups groups = {3, 1, 3, 0, 1, 3};

double contrastive(const PairedEmbeddings<double>& x, LossGradient<double>& gradient) {
  return contrastive_loss<double>(x, groups, 0.8, gradient);
}

double sigmoid(const PairedEmbeddings<double>& x, LossGradient<double>& gradient) {
  return sigmoid_loss<double>(x, groups, 1.3, gradient);
}

TEST(Losses, GradientsWithGroups) {
  expect_gradients(contrastive);
  expect_gradients(sigmoid);
}

TEST(Losses, GradientsWithoutGroups) {
  expect_gradients([](const auto& x, auto& g) { return contrastive_loss<double>(x, {}, 1, g); });
  expect_gradients([](const auto& x, auto& g) { return sigmoid_loss<double>(x, {}, 1, g); });
}

TEST(Losses, TwoLossesAddUp) {
  expect_gradients([](const auto& x, auto& g) { return contrastive(x, g) + sigmoid(x, g); });
  const auto teacher = random_teacher();
  const auto target = unit(testing::random_tensor<double>({6, 5}, 9));
  expect_gradients([&](const auto& x, auto& g) {
    return affinity_loss(x, teacher, 0.4, g) + cosine_loss(x.images, target, 2.0, g.images) +
           cosine_loss(x.texts, target, 0.5, g.texts);
  });
}

TEST(Losses, GroupsShareTheTarget) {
  // By hand: with three pairs in groups {0, 0, 1} the first row's target is half and half.
  const auto x = random_pairs(3);
  auto gradient = LossGradient<double>::like(x);
  const auto found = contrastive_loss<double>(x, Groups{0, 0, 1}, 1, gradient);
  const double targets[3][3] = {{0.5, 0.5, 0}, {0.5, 0.5, 0}, {0, 0, 1}};
  double logits[3][3], expected = 0;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      logits[i][j] = 0;
      for (int d = 0; d < 5; ++d) logits[i][j] += std::exp(1.4) * x.images.row(i)[d] * x.texts.row(j)[d];
    }
  }
  for (int i = 0; i < 3; ++i) {
    double row = 0, column = 0;
    for (int j = 0; j < 3; ++j) {
      row += std::exp(logits[i][j]);
      column += std::exp(logits[j][i]);
    }
    for (int j = 0; j < 3; ++j)
      expected -= targets[i][j] * (logits[i][j] - std::log(row) + logits[j][i] - std::log(column)) / 6;
  }
  EXPECT_NEAR(found, expected, 1e-13);
}

TEST(Losses, GroupsOfOneAreNoGroups) {
  const auto x = random_pairs();
  auto a = LossGradient<double>::like(x), b = LossGradient<double>::like(x);
  EXPECT_EQ(contrastive_loss<double>(x, {}, 1, a),
            contrastive_loss<double>(x, Groups{5, 4, 3, 2, 1, 0}, 1, b));
  EXPECT_EQ(difference(a.images, b.images), 0);
}

TEST(Losses, MissingTeacherRowsCountNothing) {
  // Pairs 1 and 4 have no teacher: the others must give what they give alone.
  const std::vector<std::int64_t> known = {0, 2, 3, 5};
  const auto x = random_pairs();
  auto teacher = random_teacher();
  auto target = unit(testing::random_tensor<double>({6, 5}, 9));
  PairedEmbeddings<double> some{Tensor<double>({4, 5}), Tensor<double>({4, 5}), x.log_scale, 0};
  TeacherPairs<double> some_teacher{Tensor<double>({4, 7}), Tensor<double>({4, 7}), teacher.log_scale};
  Tensor<double> some_target({4, 5});
  const auto pick = [&](const Tensor<double>& from, Tensor<double> to) {
    for (std::size_t i = 0; i < known.size(); ++i)
      std::copy_n(from.row(known[i]), from.columns(), to.row(static_cast<std::int64_t>(i)));
  };
  pick(x.images, some.images);
  pick(x.texts, some.texts);
  pick(teacher.images, some_teacher.images);
  pick(teacher.texts, some_teacher.texts);
  pick(target, some_target);
  std::fill_n(teacher.images.row(1), 7, 0.0);
  std::fill_n(teacher.texts.row(4), 7, 0.0);
  for (const int i : {1, 4}) std::fill_n(target.row(i), 5, 0.0);

  const auto loss = [](const auto& a, const auto& b, const auto& c, auto& g) {
    return affinity_loss(a, b, 0.6, g) + cosine_loss(a.images, c, 1.0, g.images);
  };
  auto whole = LossGradient<double>::like(x), part = LossGradient<double>::like(some);
  EXPECT_NEAR(loss(x, teacher, target, whole), loss(some, some_teacher, some_target, part), 1e-14);
  auto chosen = LossGradient<double>::like(some);
  pick(whole.images, chosen.images);
  pick(whole.texts, chosen.texts);
  EXPECT_LT(difference(chosen.images, part.images), 1e-14);
  EXPECT_LT(difference(chosen.texts, part.texts), 1e-14);
  EXPECT_NEAR(whole.log_scale, part.log_scale, 1e-14);
  for (const int i : {1, 4}) {
    for (int d = 0; d < 5; ++d) EXPECT_EQ(whole.images.row(i)[d], 0) << i;
  }
  expect_gradients([&](const auto& a, auto& g) { return loss(a, teacher, target, g); }, x);
}

TEST(Losses, ATeacherWhoKnowsNothingTeachesNothing) {
  const auto x = random_pairs();
  const TeacherPairs<double> teacher{Tensor<double>::zeros({6, 5}), Tensor<double>::zeros({6, 5}), 1};
  auto gradient = LossGradient<double>::like(x);
  EXPECT_EQ(affinity_loss(x, teacher, 1.0, gradient), 0);
  EXPECT_EQ(cosine_loss(x.images, teacher.images, 1.0, gradient.images), 0);
  EXPECT_EQ(difference(gradient.images, Tensor<double>::zeros({6, 5})), 0);
  EXPECT_EQ(gradient.log_scale, 0);
}

TEST(Losses, AffinityToItselfIsNothing) {
  const auto x = random_pairs();
  auto gradient = LossGradient<double>::like(x);
  EXPECT_NEAR(affinity_loss(x, {x.images, x.texts, x.log_scale}, 1.0, gradient), 0, 1e-15);
  EXPECT_LT(difference(gradient.images, Tensor<double>::zeros({6, 5})), 1e-15);
}

TEST(Losses, LargeScalesStayFinite) {
  auto x = random_pairs();
  PairedEmbeddings<float> sharp{Tensor<float>({6, 5}), Tensor<float>({6, 5}), std::log(1e4F), 0};
  std::copy_n(x.images.data(), 30, sharp.images.data());
  std::copy_n(x.texts.data(), 30, sharp.texts.data());
  auto gradient = LossGradient<float>::like(sharp);
  EXPECT_TRUE(std::isfinite(contrastive_loss<float>(sharp, {}, 1, gradient)));
  EXPECT_TRUE(std::isfinite(sigmoid_loss<float>(sharp, {}, 1, gradient)));
  for (int i = 0; i < 30; ++i) EXPECT_TRUE(std::isfinite(gradient.images.data()[i]));
  EXPECT_TRUE(std::isfinite(gradient.log_scale));
}

TEST(Losses, CrossEntropyAddsToTheGradient) {
  const auto logits = testing::random_tensor<double>({5, 4}, 6, 2);
  const Groups labels = {3, 0, 2, 2, 1};
  auto gradient = Tensor<double>::zeros({5, 4});
  cross_entropy<double>(logits, labels, 0.7, gradient);
  expect_slopes(logits, gradient, [&] {
    auto unused = Tensor<double>::zeros({5, 4});
    return cross_entropy<double>(logits, labels, 0.7, unused);
  });
  auto twice = gradient.clone();
  cross_entropy<double>(logits, labels, 0.7, twice);
  for (int i = 0; i < 20; ++i) EXPECT_DOUBLE_EQ(twice.data()[i], 2 * gradient.data()[i]);
}

TEST(Losses, WrongSizesAreErrors) {
  const auto x = random_pairs();
  auto gradient = LossGradient<double>::like(x);
  const auto refused = [](const char* part, const std::function<void()>& call) {
    testing::expect_error(ErrorCode::invalid_argument, part, call);
  };
  refused("groups of 2", [&] { contrastive_loss<double>(x, Groups{1, 2}, 1, gradient); });
  refused("groups of 7", [&] { sigmoid_loss<double>(x, Groups(7), 1, gradient); });
  refused("texts [5,", [&] {
    contrastive_loss<double>({x.images, x.texts.slice(0, 5), 1, 0}, {}, 1, gradient);
  });
  refused("pictures [0,", [&] {
    contrastive_loss<double>({x.images.slice(0, 0), x.texts.slice(0, 0)}, {}, 1, gradient);
  });
  refused("a teacher's [5,", [&] { cosine_loss(x.images, x.texts.slice(0, 5), 1.0, gradient.images); });
  refused("a teacher's batch", [&] { affinity_loss(x, random_teacher(5), 1.0, gradient); });
  for (const std::int64_t label : {-1, 5}) {
    refused("[cross_entropy]", [&] {
      cross_entropy<double>(x.images, Groups{0, 1, 2, 3, 4, label}, 1, gradient.images);
    });
  }
  refused("[cross_entropy]", [&] { cross_entropy<double>(x.images, Groups{0, 1}, 1, gradient.images); });
}

}  // namespace
}  // namespace beeld
