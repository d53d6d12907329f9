#include "multimodal/training/learner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/base/files.h"
#include "core/base/parallel.h"
#include "core/base/random.h"
#include "core/format/safetensors.h"
#include "core/ops/rows.h"
#include "tests/multimodal/training/new_model.h"
#include "tests/support/expect_error.h"
#include "tests/support/random.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace beeld {
namespace {

namespace fs = std::filesystem;
using Weights = std::map<std::string, std::vector<float>>;

Weights weights_of(const Learner& learner) {
  Weights weights;
  for (const auto& tensor : learner.model().named)
    weights[tensor.name].assign(tensor.values.data(), tensor.values.data() + tensor.values.size());
  return weights;
}

/// The largest difference of two sets of weights.
double apart(const Weights& a, const Weights& b) {
  double largest = 0;
  for (const auto& [name, values] : a) {
    for (std::size_t i = 0; i < values.size(); ++i)
      largest = std::max(largest, static_cast<double>(std::abs(values[i] - b.at(name)[i])));
  }
  return largest;
}

/// Pictures and texts that follow from a seed.
PairBatch random_batch(int count, std::uint64_t seed) {
  PairBatch batch;
  Random random(seed);
  for (int i = 0; i < count; ++i) {
    auto& picture = batch.images.emplace_back(Pixels{16, 16, std::vector<float>(3 * 16 * 16)});
    for (auto& value : picture.values) value = static_cast<float>(random.uniform(-1, 1));
    auto& text = batch.texts.emplace_back(1 + random.below(6));
    for (auto& id : text) id = static_cast<std::int32_t>(random.below(500));
    text.insert(text.begin(), testing::tiny_start_id());
    text.resize(12, testing::tiny_end_id());
  }
  return batch;
}

LearnerSettings settings_for(int steps = 10) {
  LearnerSettings settings;
  settings.steps = steps;
  settings.optimizer.learning_rate = 3e-3;
  settings.optimizer.warm_up_steps = 2;
  settings.optimizer.ema = 0.9;
  return settings;
}

class LearnerTest : public ::testing::Test {
 protected:
  LearnerTest() {
    set_thread_count(1);
    testing::write_new_model(clip, testing::tiny_clip_config(), 5);
    testing::write_new_model(siglip, testing::tiny_siglip_config(), 6);
  }
  ~LearnerTest() override { set_thread_count(0); }

  /// The weights after some steps, each with a batch of its own.
  static Weights trained(const fs::path& folder, const LearnerSettings& settings, int steps = 3) {
    Learner learner(load_trainable(folder), settings);
    for (int i = 0; i < steps; ++i) learner.step(random_batch(7, static_cast<std::uint64_t>(i)));
    return weights_of(learner);
  }

  testing::TemporaryFolder folder;
  fs::path clip = folder / "clip", siglip = folder / "siglip", file = folder / "checkpoint.safetensors";
};

TEST_F(LearnerTest, RecomputedActivationsGiveTheSameWeights) {
  for (const auto& model : {clip, siglip}) {
    auto settings = settings_for();
    const auto kept = trained(model, settings);
    for (const int threads : {1, 3}) {
      set_thread_count(threads);
      for (const int chunk : {2, 16}) {
        for (const auto activations : {Activations::kept, Activations::recomputed}) {
          settings.chunk = chunk;
          settings.activations = activations;
          const auto weights = trained(model, settings);
          EXPECT_LT(apart(weights, kept), 2e-5) << chunk << ", " << threads;
          EXPECT_TRUE(trained(model, settings) == weights) << "as many threads, the same bits";
        }
      }
    }
    set_thread_count(1);
  }
}

TEST_F(LearnerTest, LearnsABatchByHeart) {
  auto settings = settings_for(60);
  settings.optimizer.learning_rate = 1e-2;
  const auto batch = random_batch(6, 1);
  for (const auto& model : {clip, siglip}) {
    if (model == siglip) settings.loss = {.contrastive = 0, .sigmoid = 1};
    Learner learner(load_trainable(model), settings);
    const double first = learner.step(batch).loss;
    StepReport last;
    while (learner.steps_done() < settings.steps) last = learner.step(batch);
    EXPECT_GT(first, 1.5);
    EXPECT_LT(last.loss, 0.2) << model;
    EXPECT_EQ(last.loss, model == siglip ? last.sigmoid : last.contrastive);
  }
}

TEST_F(LearnerTest, AFrozenTowerStaysAsItIs) {
  const auto batch = random_batch(7, 3);
  auto settings = settings_for();
  Learner both(load_trainable(clip), settings);
  const double whole = both.step(batch).gradient_norm;
  for (const bool vision : {true, false}) {
    settings.learn_vision = vision;
    settings.learn_text = !vision;
    Learner learner(load_trainable(clip), settings);
    const auto before = weights_of(learner);
    EXPECT_LT(learner.step(batch).gradient_norm, whole);
    for (int i = 0; i < 3; ++i) learner.step(batch);
    for (const auto& [name, values] : weights_of(learner)) {
      const bool frozen = name.starts_with(vision ? "text" : "vis");
      EXPECT_EQ(values == before.at(name), frozen) << name;
    }
    learner.save(file, {});
    const SafetensorsFile saved(file);
    std::size_t frozen = 0, learned = 0;
    for (const auto& [name, entry] : saved.tensors()) {
      frozen += name.starts_with("frozen.");
      learned += name.starts_with("mean.");
    }
    std::size_t parts = 0;
    auto model = load_trainable(clip);
    visit_parameters(*model.state.text, [&](auto&, Decay) { ++parts; });
    EXPECT_EQ(vision ? frozen : learned - 1, parts);
  }
}

TEST_F(LearnerTest, TheLogitScaleStaysInItsBounds) {
  auto settings = settings_for();
  settings.largest_logit_scale = 2;
  Learner learner(load_trainable(clip), settings);
  EXPECT_NEAR(learner.step(random_batch(4, 1)).logit_scale, 2, 1e-6);

  // The loss of two pairs is a convex function of the scale with opposite slopes at 0 for the two ways to
  // join them: for one of them the scale must fall.
  settings.optimizer = {.learning_rate = 0.5};
  double lowest = 2, highest = 0;
  auto batch = random_batch(2, 1);
  for (int way = 0; way < 2; ++way) {
    auto model = load_trainable(clip);
    *model.logit_scale.data() = 0;
    const double scale = Learner(std::move(model), settings).step(batch).logit_scale;
    lowest = std::min(lowest, scale);
    highest = std::max(highest, scale);
    std::swap(batch.texts[0], batch.texts[1]);
  }
  EXPECT_EQ(lowest, 1);
  EXPECT_GT(highest, 1.5);
}

TEST_F(LearnerTest, TheAverageFollowsQuicklyAtFirst) {
  Learner learner(load_trainable(clip), settings_for());
  const auto before = weights_of(learner);
  learner.step(random_batch(4, 1));
  const auto after = weights_of(learner);
  learner.export_weights(file, DType::f32);
  EXPECT_TRUE(weights_of(learner) == after) << "exporting changes nothing";
  const SafetensorsFile exported(file);
  for (const auto& [name, entry] : exported.tensors()) {
    for (std::size_t i = 0; i < after.at(name).size(); ++i) {
      float value = 0;
      std::memcpy(&value, entry.bytes.data() + i * sizeof value, sizeof value);
      EXPECT_NEAR(value, 2.0F / 11 * before.at(name)[i] + 9.0F / 11 * after.at(name)[i], 1e-6F) << name;
    }
  }
}

TEST_F(LearnerTest, KeepingEveryPatchIsKeepingAll) {
  auto batch = random_batch(5, 1);
  const auto loss = [&](const PairBatch& some) {
    return Learner(load_trainable(clip), settings_for()).step(some).loss;
  };
  const double all = loss(batch);
  batch.kept.assign(5, {0, 1, 2, 3});
  EXPECT_EQ(loss(batch), all);
  batch.kept.assign(5, {1, 3});
  EXPECT_NE(loss(batch), all);
}

TEST_F(LearnerTest, PartsOfTheLossAddUp) {
  auto batch = random_batch(6, 2);
  batch.groups = {0, 1, 2, 0, 3, 4};
  Pass<float> pass;
  batch.teacher = {l2_normalize(testing::random_tensor<float>({6, 16}, 1), pass),
                   l2_normalize(testing::random_tensor<float>({6, 16}, 2), pass), std::log(20.0F)};
  auto settings = settings_for();
  settings.loss = {
      .contrastive = 1, .sigmoid = 0.5, .image_distillation = 2, .text_distillation = 3, .affinity = 0.5};
  const auto report = Learner(load_trainable(clip), settings).step(batch);
  for (const double part : {report.contrastive, report.sigmoid, report.image_distillation,
                            report.text_distillation, report.affinity})
    EXPECT_GT(part, 0.01);
  EXPECT_NEAR(report.loss,
              report.contrastive + report.sigmoid + report.image_distillation + report.text_distillation +
                  report.affinity,
              1e-12);
  batch.teacher = {};
  const auto alone = Learner(load_trainable(clip), settings).step(batch);
  EXPECT_EQ(alone.contrastive, report.contrastive);
  EXPECT_EQ(alone.affinity, 0);
}

TEST_F(LearnerTest, GoesOnFromEveryStep) {
  constexpr int steps = 5;
  for (const bool frozen : {false, true}) {
    auto settings = settings_for(steps);
    settings.learn_vision = !frozen;
    const auto batch_of = [](std::int64_t step) { return random_batch(6, static_cast<std::uint64_t>(step)); };
    Learner whole(load_trainable(siglip), settings);
    std::vector<fs::path> saved;
    while (whole.steps_done() < steps) {
      saved.push_back(folder / ("step-" + std::to_string(whole.steps_done()) + ".safetensors"));
      whole.save(saved.back(), {{"note", std::to_string(whole.steps_done())}});
      whole.step(batch_of(whole.steps_done()));
    }
    whole.export_weights(folder / "whole.safetensors", DType::f32);

    // What a run finds in its folder: rounded weights of any step.
    const auto exported = folder / "exported";
    fs::remove_all(exported);
    fs::copy(siglip, exported);
    whole.export_weights(exported / "model.safetensors", DType::f16);
    for (const auto& checkpoint : saved) {
      Learner again(load_trainable(exported), settings);
      const auto metadata = again.restore(checkpoint);
      EXPECT_EQ(metadata.at("note"), std::to_string(again.steps_done()));
      while (again.steps_done() < steps) again.step(batch_of(again.steps_done()));
      EXPECT_TRUE(weights_of(again) == weights_of(whole)) << checkpoint << frozen;
      again.export_weights(folder / "again.safetensors", DType::f32);
      EXPECT_EQ(read_file(folder / "again.safetensors", 1u << 24),
                read_file(folder / "whole.safetensors", 1u << 24));
    }
  }
}

TEST_F(LearnerTest, RefusesWhatIsNotItsOwn) {
  Learner learner(load_trainable(clip), settings_for());
  learner.step(random_batch(4, 1));
  const auto before = weights_of(learner);
  const auto refuse = [&](ErrorCode code, const char* part) {
    testing::expect_error(code, part, [&] { learner.restore(file); });
    EXPECT_TRUE(weights_of(learner) == before);
    EXPECT_EQ(learner.steps_done(), 1);
  };
  refuse(ErrorCode::not_found, "checkpoint.safetensors");

  Learner(load_trainable(siglip), settings_for()).save(file, {});
  refuse(ErrorCode::corrupt, "it belongs to another run");
  auto wider = testing::tiny_clip_config();
  wider["projection_dim"] = 20;
  testing::write_new_model(folder / "wider", wider, 1);
  Learner(load_trainable(folder / "wider"), settings_for()).save(file, {});
  refuse(ErrorCode::corrupt, "it belongs to another run");
  for (const bool vision : {true, false}) {
    auto frozen = settings_for();
    (vision ? frozen.learn_vision : frozen.learn_text) = false;
    Learner(load_trainable(clip), frozen).save(file, {});
    refuse(ErrorCode::corrupt, "it belongs to another run");
  }
  auto plain = settings_for();
  plain.optimizer.ema = 0;
  Learner(load_trainable(clip), plain).save(file, {});
  refuse(ErrorCode::corrupt, "it belongs to another run");
  fs::copy_file(clip / "model.safetensors", file, fs::copy_options::overwrite_existing);
  refuse(ErrorCode::corrupt, "no step number");

  learner.save(file, {});
  const auto whole = read_file(file, 1u << 24);
  for (std::size_t length = 0; length < whole.size(); length += 1 + whole.size() / 40) {
    write_file_atomically(file, whole.substr(0, length));
    refuse(ErrorCode::corrupt, "checkpoint.safetensors");
  }
  const auto place = whole.find(R"("step":"1")");
  ASSERT_NE(place, std::string::npos);
  for (const char* other : {R"("step":"x")", R"("step":"-")", R"("stop":"1")"}) {
    write_file_atomically(file, std::string(whole).replace(place, 10, other));
    refuse(ErrorCode::corrupt, "no step number");
  }
  write_file_atomically(file, whole);
  learner.restore(file);
}

TEST_F(LearnerTest, ALossThatIsNoNumberIsAnError) {
  Learner learner(load_trainable(clip), settings_for());
  learner.step(random_batch(4, 1));
  const auto before = weights_of(learner);
  auto batch = random_batch(4, 2);
  batch.images[2].values[7] = std::numeric_limits<float>::quiet_NaN();
  testing::expect_error(ErrorCode::limit, "the loss of step 1 is not a number", [&] { learner.step(batch); });
  EXPECT_TRUE(weights_of(learner) == before);
  EXPECT_EQ(learner.steps_done(), 1);
}

}  // namespace
}  // namespace beeld
