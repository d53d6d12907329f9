#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "multimodal/training/data.h"
#include "multimodal/training/learner.h"

namespace beeld {

/// One measurement that is taken during a run.
struct RunEvaluation {
  enum class Task { zero_shot, retrieval } task = Task::zero_shot;
  std::string name;
  std::vector<std::filesystem::path> shards;
  std::filesystem::path classes;       ///< zero-shot: the class file
  std::vector<std::string> templates;  ///< zero-shot: averaged; none: "{}"
};

/// From a step on, this part of every picture's patches is left out.
struct PatchDrop {
  std::int64_t step = 0;
  double part = 0;
};

/// Everything that decides a training run. docs/training.md describes the file field by field.
struct TrainingRun {
  nlohmann::json model;             ///< a config.json for a new model, or null
  std::filesystem::path tokenizer;  ///< folder of a new model's tokenizer
  std::vector<TrainingSource> sources;
  std::vector<bool> taught;  ///< for each source: whether the teacher's opinion of it counts
  TrainingDataOptions data;
  LearnerSettings learner;
  std::vector<PatchDrop> patch_drop;  ///< in ascending order
  double teacher_logit_scale = 0;     ///< 0: the teacher's own
  std::int64_t checkpoint_every = 1000;
  std::int64_t evaluate_every = 0;  ///< 0: only at the end
  std::int64_t log_every = 50;
  DType weights = DType::f32;  ///< of the exported checkpoint
  std::vector<RunEvaluation> evaluations;
};

/// Reads a run file. Paths in it are relative to the current folder; in lists of shards `*` stands for any
/// characters of a file's name. Throws Error: not_found, io, corrupt (a value of the wrong type or out of its
/// range), unsupported (a field that does not exist), all naming the field.
TrainingRun read_run_file(const std::filesystem::path& file);

}  // namespace beeld
