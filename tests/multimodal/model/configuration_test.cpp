// What is told of a checkpoint from its configuration, before its weights are there.
#include <beeld/error.h>
#include <beeld/model.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "multimodal/model/families.h"
#include "tests/support/expect_error.h"
#include "tests/support/shared.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace beeld {
namespace {

namespace fs = std::filesystem;

/// A tiny checkpoint without its weights.
class Configuration : public ::testing::Test {
 protected:
  Configuration() {
    testing::write_tiny_model(folder_.path());
    fs::remove(folder_ / "model.safetensors");
  }

  void change(const char* file, const nlohmann::json& patch) {
    auto json = read_json(folder_ / file);
    json.merge_patch(patch);
    write_file_atomically(folder_ / file, json.dump());
  }

  testing::TemporaryFolder folder_;
};

TEST_F(Configuration, NeedsNoWeightsToPass) {
  check_configuration(folder_.path(), FilesThere::all_but_weights);
  for (const auto* file : {"vocab.json", "merges.txt", "tokenizer_config.json"}) fs::remove(folder_ / file);
  check_configuration(folder_.path(), FilesThere::configuration);
}

TEST_F(Configuration, IsRefusedForItsFamilyOrASetting) {
  change("config.json", {{"vision_config", {{"new_setting", 1}}}});
  testing::expect_error(ErrorCode::unsupported, "new_setting",
                        [&] { check_configuration(folder_.path(), FilesThere::configuration); });
  change("config.json", {{"model_type", "unheard_of"}});
  testing::expect_error(ErrorCode::unsupported, "unheard_of",
                        [&] { check_configuration(folder_.path(), FilesThere::configuration); });
}

TEST_F(Configuration, IsRefusedForItsPreprocessing) {
  change("preprocessor_config.json", {{"do_something_new", true}});
  testing::expect_error(ErrorCode::unsupported, "do_something_new",
                        [&] { check_configuration(folder_.path(), FilesThere::configuration); });
}

TEST_F(Configuration, OfALargeModelTakesNoMemory) {
  change("config.json", {{"text_config", {{"vocab_size", 1 << 20}, {"hidden_size", 1 << 14}}}});
  check_configuration(folder_.path(), FilesThere::configuration);  // a table of 64 GB
}

/// What loads must never be refused before its weights are there.
TEST(ConfigurationConformance, WhateverLoadsPasses) {
  BEELD_NEED_SHARED("conformance");
  int passed = 0;
  for (const auto& file : fs::recursive_directory_iterator(testing::shared_folder() / "conformance")) {
    const auto name = file.path().filename();
    if (name != "config.json" && name != "open_clip_config.json") continue;
    const auto folder = file.path().parent_path();
    try {
      Model::load(folder);
    } catch (const Error&) {
      continue;
    }
    try {
      check_configuration(folder, FilesThere::configuration);
      check_configuration(folder, FilesThere::all_but_weights);
      ++passed;
    } catch (const Error& error) {
      ADD_FAILURE() << folder << ": " << error.what();
    }
  }
  EXPECT_GT(passed, 10);
}

}  // namespace
}  // namespace beeld
