#include "multimodal/training/run_file.h"

#include <beeld/error.h>

#include "tests/multimodal/training/run_fixture.h"
#include "tests/support/expect_error.h"

namespace beeld {
namespace {

using nlohmann::json;

class RunFile : public testing::RunTest {
 protected:
  /// Reading the usual run with one value changed must fail and name the field.
  void expect_error(ErrorCode code, const std::string& pointer, const json& value) {
    auto run = run_json();
    run[json::json_pointer(pointer)] = value;
    const auto field = pointer.substr(pointer.rfind('/') + 1);
    try {
      read_run_file(write_run(run));
      ADD_FAILURE() << pointer << " = " << value << " was taken";
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_EQ(error.code(), code) << message;
      EXPECT_NE(message.find("run.json"), std::string::npos) << message;
      EXPECT_NE(message.find(field), std::string::npos) << field << ": " << message;
      EXPECT_LT(message.size(), 300u);
    }
  }
};

TEST_F(RunFile, ReadsEveryField) {
  write_file_atomically(folder_ / "classes.tsv", "0\tn0\ttench\n");
  const auto classes = (folder_ / "classes.tsv").string();
  const json run = {
      {"model", testing::tiny_siglip_config()},
      {"tokenizer", "words"},
      {"sources",
       {{{"name", "one"},
         {"shards", {(folder_ / "?.tar").string(), (folder_ / "a.tar").string()}},
         {"weight", 2.5},
         {"classes", classes},
         {"templates", {"{}", "a {}"}},
         {"taught", false},
         {"augmentation",
          {{"min_area", 0.4},
           {"max_aspect", 1.5},
           {"flip", 0.25},
           {"brightness", 0.1},
           {"contrast", 0.2},
           {"saturation", 0.3}}}},
        {{"name", "two"}, {"shards", {(folder_ / "b.tar").string()}}}}},
      {"batch", 32},
      {"edge", 48},
      {"edges", {{10, 64}, {20, 96}}},
      {"steps", 100},
      {"seed", 77},
      {"shards_at_once", 3},
      {"cache_megabytes", 5},
      {"patch_drop", {{0, 0.5}, {90, 0}}},
      {"loss",
       {{"contrastive", 0.5},
        {"sigmoid", 0.25},
        {"image_distillation", 3},
        {"text_distillation", 2},
        {"affinity", 1.5}}},
      {"optimizer",
       {{"learning_rate", 0.002},
        {"final_rate", 0.1},
        {"warm_up_steps", 7},
        {"beta1", 0.8},
        {"beta2", 0.95},
        {"epsilon", 1e-8},
        {"weight_decay", 0.2},
        {"max_grad_norm", 2},
        {"ema", 0.99}}},
      {"largest_logit_scale", 50},
      {"teacher_logit_scale", 30},
      {"activations", "recomputed"},
      {"chunk", 8},
      {"checkpoint_every", 11},
      {"evaluate_every", 12},
      {"log_every", 13},
      {"weights", "f16"},
      {"evaluate",
       {{{"task", "zero-shot"},
         {"name", "fish"},
         {"shards", {(folder_ / "a.tar").string()}},
         {"classes", classes},
         {"templates", {"the {}"}}},
        {{"task", "retrieval"}, {"shards", {(folder_ / "b.tar").string()}}}}},
  };
  const auto read = read_run_file(write_run(run));
  EXPECT_EQ(read.model, run["model"]);
  EXPECT_EQ(read.tokenizer, "words");
  ASSERT_EQ(read.sources.size(), 2u);
  const auto& source = read.sources[0];
  EXPECT_EQ(source.name, "one");
  EXPECT_EQ(source.shards, (std::vector{folder_ / "a.tar", folder_ / "b.tar", folder_ / "a.tar"}));
  EXPECT_EQ(source.weight, 2.5);
  EXPECT_EQ(source.classes, classes);
  EXPECT_EQ(source.templates, (std::vector<std::string>{"{}", "a {}"}));
  EXPECT_EQ(source.augmentation.min_area, 0.4);
  EXPECT_EQ(source.augmentation.max_aspect, 1.5);
  EXPECT_EQ(source.augmentation.flip, 0.25);
  EXPECT_EQ(source.augmentation.brightness, 0.1);
  EXPECT_EQ(source.augmentation.contrast, 0.2);
  EXPECT_EQ(source.augmentation.saturation, 0.3);
  EXPECT_EQ(read.taught, (std::vector{false, true}));
  EXPECT_EQ(read.data.batch, 32);
  EXPECT_EQ(read.data.edge, 48);
  ASSERT_EQ(read.data.edges.size(), 2u);
  EXPECT_EQ(read.data.edges[1].batch, 20);
  EXPECT_EQ(read.data.edges[1].edge, 96);
  EXPECT_EQ(read.data.seed, 77u);
  EXPECT_EQ(read.data.shards_at_once, 3);
  EXPECT_EQ(read.data.cache_bytes, 5u << 20);
  ASSERT_EQ(read.patch_drop.size(), 2u);
  EXPECT_EQ(read.patch_drop[0].part, 0.5);
  EXPECT_EQ(read.patch_drop[1].step, 90);
  const auto& learner = read.learner;
  EXPECT_EQ(learner.steps, 100);
  EXPECT_EQ(learner.loss.contrastive, 0.5);
  EXPECT_EQ(learner.loss.sigmoid, 0.25);
  EXPECT_EQ(learner.loss.image_distillation, 3);
  EXPECT_EQ(learner.loss.text_distillation, 2);
  EXPECT_EQ(learner.loss.affinity, 1.5);
  EXPECT_EQ(learner.optimizer.learning_rate, 0.002);
  EXPECT_EQ(learner.optimizer.final_rate, 0.1);
  EXPECT_EQ(learner.optimizer.warm_up_steps, 7);
  EXPECT_EQ(learner.optimizer.beta1, 0.8);
  EXPECT_EQ(learner.optimizer.beta2, 0.95);
  EXPECT_EQ(learner.optimizer.epsilon, 1e-8);
  EXPECT_EQ(learner.optimizer.weight_decay, 0.2);
  EXPECT_EQ(learner.optimizer.max_grad_norm, 2);
  EXPECT_EQ(learner.optimizer.ema, 0.99);
  EXPECT_EQ(learner.largest_logit_scale, 50);
  EXPECT_EQ(learner.activations, Activations::recomputed);
  EXPECT_EQ(learner.chunk, 8);
  EXPECT_EQ(read.teacher_logit_scale, 30);
  EXPECT_EQ(read.checkpoint_every, 11);
  EXPECT_EQ(read.evaluate_every, 12);
  EXPECT_EQ(read.log_every, 13);
  EXPECT_EQ(read.weights, DType::f16);
  ASSERT_EQ(read.evaluations.size(), 2u);
  EXPECT_EQ(read.evaluations[0].task, RunEvaluation::Task::zero_shot);
  EXPECT_EQ(read.evaluations[0].name, "fish");
  EXPECT_EQ(read.evaluations[0].classes, classes);
  EXPECT_EQ(read.evaluations[0].templates, std::vector<std::string>{"the {}"});
  EXPECT_EQ(read.evaluations[1].task, RunEvaluation::Task::retrieval);
  EXPECT_EQ(read.evaluations[1].name, "retrieval");
}

TEST_F(RunFile, UnknownFieldsAreRefused) {
  for (const char* pointer : {"/stepss", "/loss/contrastiv", "/optimizer/momentum", "/sources/0/shard",
                              "/sources/1/augmentation/flipp", "/evaluate/0/taks"})
    expect_error(ErrorCode::unsupported, pointer, 1);
}

TEST_F(RunFile, FormerNamesAreRead) {
  auto run = run_json();
  run["optimizer"] = {{"largest_gradient_norm", 2}, {"average", 0.99}};
  const auto optimizer = read_run_file(write_run(run)).learner.optimizer;
  EXPECT_EQ(optimizer.max_grad_norm, 2);
  EXPECT_EQ(optimizer.ema, 0.99);
  expect_error(ErrorCode::corrupt, "/optimizer/average", 0.9);  // beside "ema"
}

TEST_F(RunFile, WrongTypesAreRefused) {
  for (const char* pointer : {"/batch",
                              "/edge",
                              "/steps",
                              "/seed",
                              "/shards_at_once",
                              "/cache_megabytes",
                              "/checkpoint_every",
                              "/evaluate_every",
                              "/log_every",
                              "/chunk",
                              "/largest_logit_scale",
                              "/teacher_logit_scale",
                              "/loss/contrastive",
                              "/optimizer/learning_rate",
                              "/optimizer/warm_up_steps",
                              "/optimizer/ema",
                              "/sources/0/weight",
                              "/sources/0/taught",
                              "/sources/0/augmentation/flip",
                              "/edges",
                              "/patch_drop",
                              "/sources",
                              "/evaluate",
                              "/loss",
                              "/optimizer",
                              "/sources/0/augmentation",
                              "/sources/0/shards",
                              "/sources/0/templates"})
    expect_error(ErrorCode::corrupt, pointer, "many");
  for (const char* pointer : {"/tokenizer", "/activations", "/weights", "/sources/0/name",
                              "/sources/0/classes", "/evaluate/0/task", "/evaluate/0/name"})
    expect_error(ErrorCode::corrupt, pointer, 3);
  for (const char* pointer : {"/batch", "/steps", "/seed", "/optimizer/warm_up_steps"})
    expect_error(ErrorCode::corrupt, pointer, 2.5);
  for (const char* pointer : {"/sources/0/shards", "/sources/0/templates", "/edges", "/patch_drop"}) {
    expect_error(ErrorCode::corrupt, pointer, {1, 2});
    expect_error(ErrorCode::corrupt, pointer, {{{"a", 1}}});
  }
  expect_error(ErrorCode::corrupt, "/sources/0", 3);
}

TEST_F(RunFile, ValuesOutOfRangeAreRefused) {
  for (const auto& [pointer, values] : std::vector<std::pair<std::string, std::vector<json>>>{
           {"/batch", {0, 1, -4, 1LL << 40}},
           {"/edge", {0, 5000}},
           {"/edges", {{{0, 0}}, {{0, 1e9}}, {{5, 8}, {5, 9}}, {{5, 8}, {4, 9}}, {{-1, 8}}, {{1, 8, 9}}}},
           {"/patch_drop", {{{0, 1}}, {{0, -0.5}}, {{3, 0.1}, {2, 0.2}}}},
           {"/steps", {0, -1, 1LL << 40}},
           {"/chunk", {0, -1}},
           {"/shards_at_once", {0}},
           {"/cache_megabytes", {-1}},
           {"/log_every", {0}},
           {"/checkpoint_every", {0}},
           {"/evaluate_every", {-1}},
           {"/largest_logit_scale", {0.5, 1e9}},
           {"/teacher_logit_scale", {-1}},
           {"/activations", {"forgotten", ""}},
           {"/weights", {"f8", "bf16"}},
           {"/loss/contrastive", {-1}},
           {"/loss/affinity", {-0.1}},
           {"/optimizer/learning_rate", {-1, 11}},
           {"/optimizer/final_rate", {1.5}},
           {"/optimizer/warm_up_steps", {-1}},
           {"/optimizer/beta1", {1, -0.1}},
           {"/optimizer/beta2", {1}},
           {"/optimizer/epsilon", {0}},
           {"/optimizer/weight_decay", {-1}},
           {"/optimizer/max_grad_norm", {-1}},
           {"/optimizer/ema", {1}},
           {"/sources/0/weight", {0, -1}},
           {"/sources/0/name", {""}},
           {"/sources/0/shards", {json::array()}},
           {"/sources/0/augmentation/min_area", {0, 1.1}},
           {"/sources/0/augmentation/max_aspect", {0.9}},
           {"/sources/0/augmentation/flip", {-0.1, 1.1}},
           {"/sources/0/augmentation/brightness", {-1}},
           {"/sources/0/augmentation/contrast", {-1}},
           {"/sources/0/augmentation/saturation", {-1}},
           {"/sources", {json::array()}},
           {"/evaluate/0/task", {"probe"}},
           {"/evaluate/0/shards", {json::array()}}}) {
    for (const auto& value : values) expect_error(ErrorCode::corrupt, pointer, value);
  }
}

TEST_F(RunFile, WhatIsMissingIsNamed) {
  expect_error(ErrorCode::not_found, "/sources/0/shards", {(folder_ / "none-*.tar").string()});
  expect_error(ErrorCode::not_found, "/evaluate/0/shards", {(folder_ / "none.tar").string()});
  expect_error(ErrorCode::corrupt, "/steps", nullptr);
  expect_error(ErrorCode::corrupt, "/sources", nullptr);
  expect_error(ErrorCode::corrupt, "/sources/0/shards", nullptr);
  expect_error(ErrorCode::corrupt, "/sources/0/name", nullptr);
  expect_error(ErrorCode::corrupt, "/loss", {{"contrastive", 0}});
  auto run = run_json();
  run["evaluate"][0]["task"] = "zero-shot";
  testing::expect_error(ErrorCode::corrupt, "zero-shot needs a class file",
                        [&] { read_run_file(write_run(run)); });
}

TEST_F(RunFile, FilesThatAreNoRunsAreErrors) {
  const auto code_of = [&](const std::filesystem::path& file) {
    try {
      read_run_file(file);
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(file.filename().string()), std::string::npos) << error.what();
      return error.code();
    }
    ADD_FAILURE() << "was taken";
    return ErrorCode::io;
  };
  EXPECT_EQ(code_of(folder_ / "absent.json"), ErrorCode::not_found);
  const auto whole = run_json().dump();
  for (const auto& content : {std::string(), std::string("[]"), std::string("3"), whole + "}",
                              whole.substr(0, whole.size() / 2), std::string("\x00\xFF", 2)}) {
    write_file_atomically(folder_ / "odd.json", content);
    EXPECT_EQ(code_of(folder_ / "odd.json"), ErrorCode::corrupt) << content.substr(0, 20);
  }
}

}  // namespace
}  // namespace beeld
