#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "core/base/files.h"
#include "core/base/parallel.h"
#include "multimodal/training/run.h"
#include "tests/support/source_tree.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/weight_files.h"

namespace beeld {
namespace {

namespace fs = std::filesystem;

// tests/golden/earlier_run is what commit ed883fe left behind when it was killed after its fifth step of
// eight, with a checkpoint of the fourth; whole.* is how it ends when nothing stops it:
//   beeld train run.json --out out --threads 1
class TrainingOfAnEarlierVersion : public ::testing::Test {
 protected:
  // Paths in its run file begin at the folder that it was called from.
  TrainingOfAnEarlierVersion() {
    fs::copy(testing::source_folder() / "tests/golden/earlier_run", folder_.path(),
             fs::copy_options::recursive);
    fs::current_path(folder_.path());
    set_thread_count(1);
  }
  ~TrainingOfAnEarlierVersion() override {
    set_thread_count(0);
    fs::current_path(before_);
  }

  static std::vector<nlohmann::json> lines(const fs::path& file) {
    std::vector<nlohmann::json> lines;
    std::istringstream stream(read_file(file, 1u << 20));
    for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }

  fs::path before_ = fs::current_path();
  testing::TemporaryFolder folder_;
};

TEST_F(TrainingOfAnEarlierVersion, GoesOnToTheSameEnd) {
  std::vector<std::int64_t> steps;
  std::vector<nlohmann::json> logged;
  RunEvents events;
  events.stepped = [&](std::int64_t step, std::int64_t) { steps.push_back(step); };
  events.logged = [&](const nlohmann::ordered_json& line) { logged.emplace_back(line); };
  EXPECT_EQ(train({.run_file = "run.json", .out = "out"}, events), RunEnd::finished);
  EXPECT_EQ(steps, (std::vector<std::int64_t>{5, 6, 7, 8}));

  // Other processors round otherwise.
  auto expected = lines("whole.jsonl");
  expected.erase(expected.begin(), expected.begin() + 5);
  ASSERT_EQ(logged.size(), expected.size());
  for (std::size_t i = 0; i < logged.size(); ++i) {
    EXPECT_EQ(logged[i]["step"], expected[i]["step"]);
    for (const char* figure : {"loss", "learning_rate", "gradient_norm", "logit_scale"}) {
      if (!expected[i].contains(figure)) continue;
      EXPECT_NEAR(logged[i][figure], expected[i][figure], 1e-4 * expected[i][figure].get<double>()) << figure;
    }
  }
  const auto weights = testing::read_tensors("out/model.safetensors");
  for (const auto& [name, tensor] : testing::read_tensors("whole.safetensors")) {
    const auto& found = weights.at(name).values;
    ASSERT_EQ(found.size(), tensor.values.size()) << name;
    for (std::size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], tensor.values[i], 1e-4) << name;
  }
}

}  // namespace
}  // namespace beeld
