// The list of published checkpoints: that documents say the same, and that what it claims was checked.

#include "multimodal/model/known_models.h"

#include <beeld/model.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "core/base/files.h"
#include "multimodal/model/families.h"
#include "tests/support/shared.h"
#include "tests/support/source_tree.h"
#include "tests/support/temporary_folder.h"

namespace beeld {
namespace {

namespace fs = std::filesystem;

std::string row_of(const KnownModel& model) {
  return "| `" + model.repository + "` | " + model.family + " | " + model.millions + " | " + model.files +
         " | `" + model.reference + "` |" + (model.note.empty() ? "" : " " + model.note) + " |";
}

TEST(KnownModels, TheDocumentHasTheSameRows) {
  std::istringstream document(read_file(testing::source_folder() / "docs/checkpoints.md", 1u << 20));
  std::vector<std::string> written, known;
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with("| `")) written.push_back(line);
  }
  for (const auto& model : known_models()) known.push_back(row_of(model));
  EXPECT_GE(known.size(), 40u);
  EXPECT_EQ(written, known);
}

TEST(KnownModels, AreOfFamiliesThatAreRead) {
  std::set<std::string> repositories;
  for (const auto& model : known_models()) {
    EXPECT_TRUE(repositories.insert(model.repository).second) << model.repository;
    EXPECT_EQ(std::count(model.repository.begin(), model.repository.end(), '/'), 1) << model.repository;
    EXPECT_TRUE(model.files == "safetensors" || model.files == "pickle") << model.repository;
    EXPECT_TRUE(std::any_of(families().begin(), families().end(), [&](const Family& family) {
      return family.name == model.family;
    })) << model.repository;
  }
}

TEST(KnownModels, TheirReferenceCasesAreOfTheirFamily) {
  BEELD_NEED_SHARED("conformance");
  std::set<std::pair<std::string, std::string>> cases;
  for (const auto& model : known_models()) cases.emplace(model.reference, model.family);
  for (const auto& [reference, family] : cases) {
    const auto folder = testing::shared_folder() / "conformance" / reference;
    ASSERT_TRUE(fs::exists(folder / "expected")) << reference;
    EXPECT_EQ(Model::load(folder).info().family, family) << reference;
  }
}

/// Half of the last digit that is published.
double rounding_of(const std::string& millions) {
  const auto point = millions.find('.');
  const auto digits = point == std::string::npos ? 0 : millions.size() - point - 1;
  return 0.5 * std::pow(10, -static_cast<double>(digits));
}

// tests/golden/published_configurations.json has what the published configurations say of sizes and kinds.
TEST(KnownModels, TheirConfigurationsAreReadAndHaveThePublishedNumberOfWeights) {
  const auto configurations = nlohmann::json::parse(
      read_file(testing::source_folder() / "tests/golden/published_configurations.json", 1u << 20));
  const testing::TemporaryFolder folder;
  const auto models = known_models();
  EXPECT_EQ(configurations.size(), models.size());
  for (const auto& model : models) {
    SCOPED_TRACE(model.repository);
    ASSERT_TRUE(configurations.contains(model.repository));
    const auto& published = configurations[model.repository];
    const bool open_clip = published["file"] == "open_clip_config.json";
    const Settings config(published["config"], model.repository);
    const auto& family = family_of(open_clip ? FolderLayout::open_clip : FolderLayout::hugging_face, config);
    EXPECT_EQ(family.name, model.family);
    auto weights = WeightReader::blank();
    ModelParts parts;
    CheckpointReading reading{folder.path(), config, weights, parts};
    family.read_towers(reading);
    const double millions = static_cast<double>(weights.parameters()) / 1e6;
    EXPECT_LE(std::abs(millions - std::stod(model.millions)), rounding_of(model.millions)) << millions;
  }
}

}  // namespace
}  // namespace beeld
