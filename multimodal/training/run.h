#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "multimodal/training/run_file.h"

namespace beeld {

/// Where a run finds its parts and puts its results.
struct RunOptions {
  std::filesystem::path run_file{};
  std::filesystem::path out{};      ///< becomes a checkpoint folder; out/run holds what a resumed run needs
  std::filesystem::path init{};     ///< begin with this checkpoint's weights; empty: the run file's new model
  std::filesystem::path teacher{};  ///< a checkpoint; empty: none
  bool learn_vision = true;
  bool learn_text = true;
};

/// What a run tells while it goes on. All may be empty.
struct RunEvents {
  std::function<void(std::size_t images)> teaching;  ///< embedded by the teacher so far
  std::function<void(std::int64_t step, std::int64_t steps)> stepped;
  std::function<void(const nlohmann::ordered_json& line)> logged;  ///< also written to out/run/log.jsonl
  std::function<void(const SkippedSample& sample)> skipped;
  std::function<bool()> stop;  ///< true: save and return before the last step
};

enum class RunEnd { finished, stopped };

/// Trains as a run file says, from its beginning or from where an earlier call in the same folder ended:
/// killed at any moment and called again, a run ends with the weights of an undisturbed one, bit for bit, if
/// the number of threads is the same. The folder `out` is a checkpoint in Hugging Face's layout.
///
/// Throws Error: as read_run_file, TrainingData, Learner and Teacher; invalid_argument where `out` belongs to
/// another run, or is a checkpoint that no run made.
RunEnd train(const RunOptions& options, const RunEvents& events = {});

}  // namespace beeld
