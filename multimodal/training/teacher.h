#pragma once

#include <beeld/model.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "multimodal/training/data.h"
#include "multimodal/training/losses.h"
#include "multimodal/training/run_files.h"

namespace beeld {

/// What a trained model makes of the pictures and texts of a run. Pictures are embedded once, as they are
/// without augmentation; texts when they first occur. Both are kept in a file from run to run.
class Teacher {
 public:
  struct Source {
    const TrainingSource* source;
    bool taught;
  };

  /// Reads what the run's teacher caches hold for this model and these sources, and embeds what is missing.
  /// `progress` gets the number of images embedded so far. Throws as ShardReader and Model.
  Teacher(Model model, std::span<const Source> sources, const RunFiles& files,
          const std::function<void(std::size_t)>& progress = {});
  ~Teacher();

  /// Unit rows for a batch; zeros for sources that are not taught and samples it could not read. Throws
  /// Error(corrupt) where a shard's samples are no longer those that were embedded.
  TeacherPairs<float> pairs(std::span<const TrainingSample> samples);

  std::size_t dimension() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace beeld
