#include <beeld/model.h>

#include <cmath>
#include <map>
#include <optional>

#include "core/format/named_tensors.h"
#include "tests/multimodal/training/run_fixture.h"
#include "tests/support/expect_error.h"
#include "tests/support/random.h"
#include "tests/support/weight_files.h"

namespace beeld {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// A process that ends without a word.
struct Killed {};

class TrainingRuns : public testing::RunTest {
 protected:
  /// Ends without saving after each of these numbers of steps, then goes on to the end.
  static void train_with_kills(const RunOptions& options, std::initializer_list<int> numbers) {
    for (int left : numbers) {
      RunEvents events;
      events.stepped = [&](std::int64_t, std::int64_t) {
        if (--left == 0) throw Killed();
      };
      EXPECT_THROW(train(options, events), Killed);
    }
    EXPECT_EQ(train(options), RunEnd::finished);
  }

  /// Stops after every so many steps and goes on.
  static void train_with_stops(const RunOptions& options, int steps_between) {
    int stops = 0;
    for (auto end = RunEnd::stopped; end == RunEnd::stopped; ++stops) {
      ASSERT_LT(stops, 50);
      int left = steps_between;
      RunEvents events;
      events.stop = [&] { return left-- == 0; };
      end = train(options, events);
    }
  }

  /// However a run is interrupted, it ends with the same bytes.
  void expect_same_end(RunOptions options) {
    options.out = folder_ / "whole";
    EXPECT_EQ(train(options), RunEnd::finished);
    const auto weights = bytes(options.out / "model.safetensors");
    const auto checkpoint = bytes(options.out / "run" / "checkpoint.safetensors");
    const auto expect = [&](const char* how, int between) {
      EXPECT_TRUE(bytes(options.out / "model.safetensors") == weights) << how << between;
      EXPECT_TRUE(bytes(options.out / "run" / "checkpoint.safetensors") == checkpoint) << how << between;
      fs::remove_all(options.out);
    };
    options.out = folder_ / "interrupted";
    for (const int between : {1, 3}) {
      train_with_stops(options, between);
      expect("stopped ", between);
    }
    for (const int steps : {1, 3, 5, 8}) {
      train_with_kills(options, {steps});
      expect("killed ", steps);
    }
    train_with_kills(options, {3, 2, 5, 1, 4});
    expect("killed often ", 5);
  }

  static ErrorCode error_of(const RunOptions& options, std::initializer_list<std::string> named) {
    try {
      train(options);
    } catch (const Error& error) {
      for (const auto& text : named)
        EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
      return error.code();
    }
    ADD_FAILURE() << "no error";
    return ErrorCode::io;
  }

  fs::path out_ = folder_ / "out";
};

TEST_F(TrainingRuns, LeavesACheckpointAndALog) {
  std::vector<std::int64_t> steps;
  std::vector<json> logged;
  RunEvents events;
  events.stepped = [&](std::int64_t step, std::int64_t all) {
    EXPECT_EQ(all, 8);
    steps.push_back(step);
  };
  events.logged = [&](const nlohmann::ordered_json& line) { logged.emplace_back(line); };
  EXPECT_EQ(train({.run_file = write_run(run_json()), .out = out_}, events), RunEnd::finished);
  EXPECT_EQ(steps, (std::vector<std::int64_t>{1, 2, 3, 4, 5, 6, 7, 8}));

  const auto lines = log_of(out_);
  EXPECT_EQ(lines, logged);
  ASSERT_EQ(lines.size(), 12u);  // eight steps, and a measurement after every second
  for (const auto& line : lines) {
    if (line.contains("evaluation")) {
      EXPECT_EQ(line["evaluation"], "b");
      EXPECT_EQ(line["step"].get<int>() % 2, 0);
      EXPECT_TRUE(line["t2i"].contains("r@1"));
      continue;
    }
    EXPECT_EQ(line["loss"], line["contrastive"]);
    EXPECT_FALSE(line.contains("sigmoid"));
    EXPECT_GT(line["gradient_norm"], 0);
    EXPECT_GT(line["samples_per_second"], 0);
  }
  EXPECT_NEAR(lines[0]["learning_rate"], 1.5e-3, 1e-15);

  const auto model = Model::load(out_);
  EXPECT_EQ(model.info().family, "CLIP");
  EXPECT_EQ(model.info().dimension, 16u);
  EXPECT_EQ(model.encode_images(std::vector{testing::wave_picture(30, 20, 1)}).rows, 1u);

  // A finished run has nothing left to do.
  const auto weights = bytes(out_ / "model.safetensors");
  steps.clear();
  EXPECT_EQ(train({.run_file = folder_ / "run.json", .out = out_}, events), RunEnd::finished);
  EXPECT_TRUE(steps.empty());
  EXPECT_TRUE(bytes(out_ / "model.safetensors") == weights);
}

TEST_F(TrainingRuns, LearnsWhatItIsShown) {
  auto run = run_json();
  run.erase("edges");
  run.erase("patch_drop");
  run["edge"] = 16;
  run["batch"] = 11;
  run["steps"] = 150;
  run["evaluate_every"] = 0;
  run["log_every"] = 1000;
  run["optimizer"]["learning_rate"] = 1e-2;
  // Whole pictures of 20 x 16, squashed as evaluation does.
  run["sources"] = {{{"name", "all"},
                     {"shards", {(folder_ / "*.tar").string()}},
                     {"augmentation", {{"max_aspect", 1.25}}}}};
  for (const bool sigmoid : {false, true}) {
    if (sigmoid) {
      run["model"] = testing::tiny_siglip_config();
      run["loss"] = {{"contrastive", 0}, {"sigmoid", 1}};
    }
    const auto out = folder_ / (sigmoid ? "siglip" : "clip");
    train({.run_file = write_run(run), .out = out});
    const auto model = Model::load(out);
    EXPECT_EQ(model.info().scoring, sigmoid ? Scoring::sigmoid : Scoring::softmax);
    EXPECT_EQ(log_of(out).back()["t2i"]["r@1"], 100) << log_of(out).back();
  }
}

TEST_F(TrainingRuns, InterruptedItEndsTheSame) { expect_same_end({.run_file = write_run(run_json())}); }

TEST_F(TrainingRuns, InterruptedWithAFrozenTowerAndATeacherItEndsTheSame) {
  // The initial weights are no halves, the exported ones are: what is frozen must come from the checkpoint.
  testing::write_new_model(folder_ / "init", testing::tiny_clip_config(), 8);
  auto teacher = testing::tiny_siglip_config();
  testing::write_new_model(folder_ / "teacher", teacher, 9);
  auto run = run_json();
  run["loss"] = {{"contrastive", 1}, {"image_distillation", 1}, {"text_distillation", 1}, {"affinity", 1}};
  expect_same_end({.run_file = write_run(run),
                   .init = folder_ / "init",
                   .teacher = folder_ / "teacher",
                   .learn_vision = false});
}

TEST_F(TrainingRuns, BeginsWithTheWeightsOfAnotherModel) {
  testing::write_tiny_model(folder_ / "init", 4);
  auto run = run_json();
  run["model"] = nullptr;
  run["edges"] = json::array();
  run["edge"] = 32;
  run["weights"] = "f32";
  run["optimizer"]["learning_rate"] = 0;
  train({.run_file = write_run(run), .out = out_, .init = folder_ / "init"});
  const auto before = testing::read_tensors(folder_ / "init" / "model.safetensors"),
             after = testing::read_tensors(out_ / "model.safetensors");
  ASSERT_EQ(after.size(), before.size());
  for (const auto& [name, tensor] : before) {
    EXPECT_EQ(after.at(name).shape, tensor.shape) << name;
    // The average of equal weights is rounded.
    for (std::size_t i = 0; i < tensor.values.size(); ++i)
      ASSERT_NEAR(after.at(name).values[i], tensor.values[i], 1e-6 * std::abs(tensor.values[i])) << name;
  }
  EXPECT_EQ(bytes(out_ / "preprocessor_config.json"), bytes(folder_ / "init" / "preprocessor_config.json"));
  EXPECT_EQ(Model::load(out_).info().dimension, 24u);
}

TEST_F(TrainingRuns, AFrozenTowerIsExportedAsItWas) {
  testing::write_new_model(folder_ / "init", testing::tiny_clip_config(), 8);
  auto run = run_json();
  run["weights"] = "f32";
  const auto before = testing::read_tensors(folder_ / "init" / "model.safetensors");
  for (const bool vision : {true, false}) {
    const auto out = folder_ / (vision ? "text-frozen" : "vision-frozen");
    train({.run_file = write_run(run),
           .out = out,
           .init = folder_ / "init",
           .learn_vision = vision,
           .learn_text = !vision});
    for (const auto& [name, tensor] : testing::read_tensors(out / "model.safetensors")) {
      const bool frozen = name.starts_with(vision ? "text" : "vis");
      EXPECT_EQ(tensor.values == before.at(name).values, frozen) << name;
    }
  }
}

TEST_F(TrainingRuns, TheTeacherEmbedsEveryPictureOnce) {
  testing::write_new_model(folder_ / "teacher", testing::tiny_clip_config(), 9);
  auto run = run_json();
  run["loss"] = {{"contrastive", 0}, {"image_distillation", 1}};
  run["sources"][1]["taught"] = false;
  const RunOptions options{.run_file = write_run(run), .out = out_, .teacher = folder_ / "teacher"};
  std::vector<std::size_t> taught;
  RunEvents events;
  int steps = 0;
  events.teaching = [&](std::size_t pictures) { taught.push_back(pictures); };
  events.stop = [&] { return steps++ == 4; };
  EXPECT_EQ(train(options, events), RunEnd::stopped);
  EXPECT_EQ(taught, std::vector<std::size_t>{6});
  EXPECT_EQ(train(options, events), RunEnd::finished);
  EXPECT_EQ(taught.size(), 1u) << "the second time there was nothing to embed";
  for (const auto& line : log_of(out_)) {
    if (!line.contains("loss")) continue;
    EXPECT_EQ(line["loss"], line["image_distillation"]);
    EXPECT_FALSE(line.contains("affinity"));
  }
}

TEST_F(TrainingRuns, ATeacherOfAnotherWidthIsRefused) {
  testing::write_tiny_model(folder_ / "teacher");
  EXPECT_EQ(error_of({.run_file = write_run(run_json()), .out = out_, .teacher = folder_ / "teacher"},
                     {"24 dimensions", "16"}),
            ErrorCode::invalid_argument);
}

TEST_F(TrainingRuns, AFolderBelongsToOneRun) {
  const RunOptions options{.run_file = write_run(run_json()), .out = out_};
  RunEvents events;
  events.stop = [] { return true; };
  EXPECT_EQ(train(options, events), RunEnd::stopped);
  const auto checkpoint = bytes(out_ / "run" / "checkpoint.safetensors");

  auto run = run_json();
  run["optimizer"]["learning_rate"] = 1e-4;
  const auto other = write_run(run, "other.json");
  const auto refused = [&](const RunOptions& changed) {
    EXPECT_EQ(error_of(changed, {out_.string(), "another run"}), ErrorCode::invalid_argument);
    EXPECT_TRUE(bytes(out_ / "run" / "checkpoint.safetensors") == checkpoint);
  };
  refused({.run_file = other, .out = out_});
  refused({.run_file = options.run_file, .out = out_, .learn_text = false});
  refused({.run_file = options.run_file, .out = out_, .init = folder_ / "init"});
  refused({.run_file = options.run_file, .out = out_, .teacher = folder_ / "teacher"});

  // The same run under another name, written in another way, is the same run.
  write_file_atomically(folder_ / "same.json", run_json().dump());
  EXPECT_EQ(train({.run_file = folder_ / "same.json", .out = out_}), RunEnd::finished);
}

TEST_F(TrainingRuns, ACheckpointThatNoRunMadeIsNotOverwritten) {
  std::filesystem::create_directories(out_);
  write_file_atomically(out_ / "model.safetensors", "somebody's weights");
  EXPECT_EQ(error_of({.run_file = write_run(run_json()), .out = out_}, {out_.string(), "no run made"}),
            ErrorCode::invalid_argument);
  EXPECT_EQ(bytes(out_ / "model.safetensors"), "somebody's weights");
}

TEST_F(TrainingRuns, WhatCouldNotBeginMayBeMended) {
  const auto expect_refused = [&](const char* field, const json& value, ErrorCode code, const char* part) {
    auto run = run_json();
    run[field] = value;
    testing::expect_error(code, part, [&] { train({.run_file = write_run(run), .out = out_}); });
  };
  expect_refused("model", nullptr, ErrorCode::invalid_argument, "describes no model");
  expect_refused("model", {{"vision_config", 3}}, ErrorCode::corrupt,
                 "vision_config: expected a JSON object");
  expect_refused("tokenizer", (folder_ / "absent").string(), ErrorCode::not_found, "expected tokenizer.json");
  auto run = run_json();
  run["model"]["vision_config"]["hidden_sise"] = 3;
  EXPECT_EQ(error_of({.run_file = write_run(run), .out = out_}, {"hidden_sise"}), ErrorCode::unsupported);
  EXPECT_EQ(train({.run_file = write_run(run_json()), .out = out_}), RunEnd::finished);
}

TEST_F(TrainingRuns, ADamagedFolderIsAnError) {
  const RunOptions options{.run_file = write_run(run_json()), .out = out_};
  train(options);
  const auto file = out_ / "run" / "checkpoint.safetensors";
  const auto whole = bytes(file);
  write_file_atomically(file, whole.substr(0, whole.size() / 2));
  EXPECT_EQ(error_of(options, {"checkpoint.safetensors"}), ErrorCode::corrupt);
  const auto place = whole.find("position");
  for (const char* other : {"positior", "{ositio"}) {
    write_file_atomically(file, std::string(whole).replace(place, 8, other));
    EXPECT_EQ(error_of(options, {"checkpoint.safetensors"}), ErrorCode::corrupt) << other;
  }
  const auto batch = whole.find(R"(\"batch\":8)");
  ASSERT_NE(batch, std::string::npos);
  write_file_atomically(file, std::string(whole).replace(batch, 11, R"(\"batch\":x)"));
  EXPECT_EQ(error_of(options, {"checkpoint.safetensors"}), ErrorCode::corrupt);
}

TEST_F(TrainingRuns, APlaceThatIsNoFolderIsAnError) {
  write_file_atomically(out_, "a file");
  EXPECT_EQ(error_of({.run_file = write_run(run_json()), .out = out_}, {out_.string()}), ErrorCode::io);
  EXPECT_EQ(error_of({.run_file = write_run(run_json()), .out = out_ / "below"}, {out_.string()}),
            ErrorCode::io);
}

TEST_F(TrainingRuns, WhatAKilledProcessLeftIsRemoved) {
  const RunOptions options{.run_file = write_run(run_json()), .out = out_};
  train(options);
  const auto left = {out_ / "model.safetensors.tmp17.0", out_ / "preprocessor_config.json.tmp17.1",
                     out_ / "run" / "checkpoint.safetensors.tmp17.1"};
  for (const auto& file : left) write_file_atomically(file, "half");
  write_file_atomically(out_ / "notes.txt", "mine");
  train(options);
  for (const auto& file : left) EXPECT_FALSE(fs::exists(file)) << file;
  EXPECT_TRUE(fs::exists(out_ / "notes.txt"));
}

TEST_F(TrainingRuns, ABadSampleIsNamedAndSkipped) {
  write_entries("a-broken.tar", {{"broken.png", "no picture"},
                                 {"broken.txt", "a caption"},
                                 {"silent.png", picture("silent")},
                                 {"good.png", picture("good")},
                                 {"good.txt", "a good one"}});
  testing::write_new_model(folder_ / "teacher", testing::tiny_clip_config(), 9);
  auto run = run_json();
  run["loss"] = {{"contrastive", 1}, {"image_distillation", 1}, {"affinity", 1}};
  std::map<std::string, fs::path> skipped;
  RunEvents events;
  events.skipped = [&](const SkippedSample& sample) {
    EXPECT_TRUE(skipped.try_emplace(sample.key, sample.shard).second) << "twice: " << sample.key;
    EXPECT_FALSE(sample.reason.empty());
  };
  train({.run_file = write_run(run), .out = out_, .teacher = folder_ / "teacher"}, events);
  const auto shard = folder_ / "a-broken.tar";
  EXPECT_EQ(skipped, (std::map<std::string, fs::path>{{"broken", shard}, {"silent", shard}}));
}

TEST_F(TrainingRuns, InitialWeightsFollowFromTheSeed) {
  for (const auto& config : {testing::tiny_clip_config(), testing::tiny_siglip_config()}) {
    write_file_atomically(folder_ / "config.json", config.dump());
    const auto first = initialize_weights(folder_ / "config.json", 1),
               again = initialize_weights(folder_ / "config.json", 1),
               other = initialize_weights(folder_ / "config.json", 2);
    testing::write_new_model(folder_ / "model", config, 1);
    const auto model = load_trainable(folder_ / "model");
    ASSERT_EQ(first.size(), model.named.size());
    bool any_other = false;
    for (std::size_t i = 0; i < first.size(); ++i) {
      EXPECT_EQ(first[i].name, model.named[i].name);
      EXPECT_EQ(first[i].shape, model.named[i].shape) << first[i].name;
      EXPECT_EQ(testing::difference(first[i].values, again[i].values), 0) << first[i].name;
      EXPECT_EQ(testing::difference(first[i].values, model.named[i].values), 0) << first[i].name;
      any_other = any_other || testing::difference(first[i].values, other[i].values) > 0;
      const float value = *first[i].values.data();
      EXPECT_TRUE(!first[i].name.ends_with("norm1.weight") || value == 1) << first[i].name;
      EXPECT_TRUE(!first[i].name.ends_with("fc1.bias") || value == 0) << first[i].name;
    }
    EXPECT_TRUE(any_other);
  }
  write_file_atomically(folder_ / "config.json", R"({"model_type": "vit"})");
  testing::expect_error(ErrorCode::unsupported, "a model of the family ViT",
                        [&] { initialize_weights(folder_ / "config.json", 1); });
}

TEST_F(TrainingRuns, OtherFamiliesCannotBeTrained) {
  testing::write_tiny_model(folder_ / "init");
  auto config = json::parse(bytes(folder_ / "init" / "config.json"));
  config["model_type"] = "chinese_clip";
  write_file_atomically(folder_ / "init" / "config.json", config.dump());
  testing::expect_error(ErrorCode::unsupported, "a model of the family Chinese-CLIP", [&] {
    train({.run_file = write_run(run_json()), .out = out_, .init = folder_ / "init"});
  });
}

}  // namespace
}  // namespace beeld
