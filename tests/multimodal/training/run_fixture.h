#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/base/files.h"
#include "core/base/parallel.h"
#include "multimodal/training/run.h"
#include "tests/multimodal/training/new_model.h"
#include "tests/multimodal/training/training_fixture.h"
#include "tests/support/tiny_model.h"

namespace beeld::testing {

/// Tiny runs on shards of small pictures.
class RunTest : public TrainingDataTest {
 protected:
  RunTest() {
    set_thread_count(1);
    write_tiny_tokenizer(folder_ / "tokenizer");
    write("a", 6);
    write("b", 5);
  }
  ~RunTest() override { set_thread_count(0); }

  /// A new CLIP model in eight steps: with patches left out, growing pictures, moving averages and rounded
  /// weights, saved and measured in between.
  nlohmann::json run_json() const {
    const auto shards = [&](const char* pattern) { return nlohmann::json{(folder_ / pattern).string()}; };
    return {
        {"model", tiny_clip_config()},
        {"tokenizer", (folder_ / "tokenizer").string()},
        {"sources",
         {{{"name", "one"},
           {"shards", shards("a*.tar")},
           {"augmentation", {{"min_area", 0.5}, {"flip", 0.5}}}},
          {{"name", "two"}, {"shards", shards("b.tar")}, {"weight", 0.5}}}},
        {"batch", 4},
        {"edge", 8},
        {"edges", {{3, 16}}},
        {"steps", 8},
        {"seed", 3},
        {"patch_drop", {{4, 0.5}}},
        {"optimizer", {{"learning_rate", 3e-3}, {"warm_up_steps", 2}, {"ema", 0.8}}},
        {"checkpoint_every", 3},
        {"evaluate_every", 2},
        {"log_every", 1},
        {"weights", "f16"},
        {"evaluate", {{{"task", "retrieval"}, {"name", "b"}, {"shards", shards("b.tar")}}}},
    };
  }

  /// Writes a run file; its path.
  std::filesystem::path write_run(const nlohmann::json& run, const std::string& name = "run.json") {
    write_file_atomically(folder_ / name, run.dump(1));
    return folder_ / name;
  }

  static std::string bytes(const std::filesystem::path& file) { return read_file(file, 1u << 26); }

  /// The lines of a run's log.
  static std::vector<nlohmann::json> log_of(const std::filesystem::path& out) {
    std::vector<nlohmann::json> lines;
    std::istringstream stream(bytes(out / "run" / "log.jsonl"));
    for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }
};

}  // namespace beeld::testing
