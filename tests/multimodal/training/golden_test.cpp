#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "core/base/parallel.h"
#include "multimodal/training/learner.h"
#include "tests/support/source_tree.h"
#include "tests/support/weight_files.h"

namespace beeld {
namespace {

using nlohmann::json;

const std::filesystem::path golden = beeld::testing::source_folder() / "tests" / "golden";

json recorded() { return json::parse(read_file(golden / "training.json", 1u << 20)); }

/// The pictures that training.json describes by a formula.
std::vector<Pixels> pictures(int count, int edge) {
  std::vector<Pixels> all;
  for (int b = 0; b < count; ++b) {
    auto& picture = all.emplace_back(Pixels{edge, edge, {}});
    for (int c = 0; c < 3; ++c) {
      for (int y = 0; y < edge; ++y) {
        for (int x = 0; x < edge; ++x) {
          const int sum = 37 * b + 11 * c + 5 * y * (b + 1) + 3 * x * (c + 2);
          picture.values.push_back(static_cast<float>(sum % 101 / 50.0 - 1));
        }
      }
    }
  }
  return all;
}

LearnerSettings settings_of(const json& recipe) {
  LearnerSettings settings;
  settings.steps = recipe["steps"];
  settings.optimizer = {.learning_rate = recipe["learning_rate"],
                        .final_rate = 0,
                        .warm_up_steps = recipe["warm_up_steps"],
                        .beta1 = recipe["beta1"],
                        .beta2 = recipe["beta2"],
                        .epsilon = recipe["epsilon"],
                        .weight_decay = recipe["weight_decay"],
                        .max_grad_norm = recipe["max_grad_norm"],
                        .ema = 0};
  settings.largest_logit_scale = std::exp(recipe["largest_logit_scale"].get<double>());
  return settings;
}

/// |a - b| / |b| in the Euclidean norm.
double relative_difference(const Tensor<float>& a, const std::vector<float>& b) {
  double apart = 0, length = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double expected = static_cast<double>(b[i]), d = static_cast<double>(a.data()[i]) - expected;
    apart += d * d;
    length += expected * expected;
  }
  return std::sqrt(apart / length);
}

/// Ten steps from random weights; every way to compute a step must give what PyTorch gives.
struct Way {
  Activations activations;
  int chunk;
  int threads;
};

class TrainingGolden : public ::testing::TestWithParam<Way> {
 protected:
  void TearDown() override { set_thread_count(0); }
};

TEST_P(TrainingGolden, TenStepsEqualPyTorch) {
  set_thread_count(GetParam().threads);
  const auto expected = recorded();
  auto settings = settings_of(expected["recipe"]);
  settings.activations = GetParam().activations;
  settings.chunk = GetParam().chunk;
  Learner learner(load_trainable(golden / "tiny_clip"), settings);
  PairBatch batch;
  batch.texts = expected["ids"].get<std::vector<std::vector<std::int32_t>>>();
  batch.images = pictures(static_cast<int>(batch.texts.size()), 16);

  for (const auto& step : expected["steps"]) {
    const auto report = learner.step(batch);
    const double loss = step["loss"], norm = step["gradient_norm"], rate = step["learning_rate"];
    EXPECT_NEAR(report.loss, loss, 1e-4 * loss) << learner.steps_done();
    EXPECT_NEAR(report.gradient_norm, norm, 1e-4 * norm) << learner.steps_done();
    EXPECT_NEAR(report.learning_rate, rate, 1e-12 * rate) << learner.steps_done();
  }
  const auto trained = testing::read_tensors(golden / "tiny_clip_trained.safetensors");
  const auto& named = learner.model().named;
  ASSERT_EQ(named.size(), trained.size());
  for (const auto& tensor : named) {
    const auto it = trained.find(tensor.name);
    ASSERT_NE(it, trained.end()) << tensor.name;
    ASSERT_EQ(tensor.shape, it->second.shape) << tensor.name;
    EXPECT_LT(relative_difference(tensor.values, it->second.values), 1e-4) << tensor.name;
  }
}

INSTANTIATE_TEST_SUITE_P(EveryWay, TrainingGolden,
                         ::testing::Values(Way{Activations::kept, 32, 1}, Way{Activations::kept, 2, 3},
                                           Way{Activations::recomputed, 2, 1},
                                           Way{Activations::recomputed, 1, 2}));

}  // namespace
}  // namespace beeld
