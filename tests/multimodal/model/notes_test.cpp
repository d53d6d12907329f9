// What a model says of numbers that others compute differently from the same files.

#include <beeld/model.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "tests/support/shared.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace beeld {
namespace {

namespace fs = std::filesystem;

bool says(const std::vector<std::string>& sentences, const std::string& part) {
  for (const auto& sentence : sentences) {
    if (sentence.find(part) != std::string::npos) return true;
  }
  return false;
}

TEST(Notes, TellOfAProcessorThatResizesOtherwise) {
  const testing::TemporaryFolder folder;
  testing::write_tiny_model(folder.path());
  EXPECT_TRUE(Model::load(folder.path()).info().notes.empty());
  const auto file = folder / "preprocessor_config.json";
  const auto original = read_json(file);
  for (const auto& [key, value] :
       std::map<std::string, nlohmann::json>{{"image_processor_type", "CLIPImageProcessorFast"},
                                             {"use_fast", true},
                                             {"backend", "torchvision"}}) {
    auto changed = original;
    changed[key] = value;
    write_file_atomically(file, changed.dump());
    EXPECT_TRUE(says(Model::load(folder.path()).info().notes, "torchvision")) << key;
  }
}

/// A copy of OpenCLIP's reference case under another name, its configuration changed.
ModelInfo info_of(const std::string& name, const nlohmann::json& patch) {
  const testing::TemporaryFolder folder;
  const auto place = folder / "apple" / name;
  fs::create_directories(place.parent_path());
  fs::copy(testing::shared_folder() / "conformance/open_clip/public", place, fs::copy_options::recursive);
  auto config = read_json(place / "open_clip_config.json");
  config["model_cfg"].merge_patch(patch);
  write_file_atomically(place / "open_clip_config.json", config.dump());
  return Model::load(place).info();
}

TEST(Notes, WarnOfAnActivationThatTheConfigurationForgot) {
  BEELD_NEED_SHARED("conformance/open_clip/public");
  const nlohmann::json without{{"quick_gelu", nullptr}}, with{{"quick_gelu", true}};
  for (const auto* name : {"DFN2B-CLIP-ViT-B-16", "DFN5B-CLIP-ViT-H-14", "metaclip-b32-400m"}) {
    EXPECT_TRUE(says(info_of(name, without).warnings, "QuickGELU")) << name;
    EXPECT_FALSE(says(info_of(name, with).warnings, "QuickGELU")) << name;
  }
  EXPECT_TRUE(info_of("CLIP-ViT-B-32-laion2B-s34B-b79K", without).warnings.empty());
}

TEST(Notes, SayThatTextsArePutInLowerCase) {
  BEELD_NEED_SHARED("conformance/siglip2/public");
  // The cases' own tokenizer is small and does not; only the published one is known to.
  EXPECT_FALSE(
      says(Model::load(testing::shared_folder() / "conformance/siglip2/public").info().notes, "lower case"));
}

}  // namespace
}  // namespace beeld
