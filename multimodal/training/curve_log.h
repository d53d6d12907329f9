#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "multimodal/training/chart.h"

namespace beeld {

/// What the log of a run says about its course.
struct RunCurves {
  std::vector<Chart> charts;  ///< the loss and its parts, other figures of the steps, then the evaluations
  double last_step = 0;
  std::size_t left_out = 0;  ///< lines that are no line of a log
};

/// Reads the lines of a log (docs/training.md). A run that was killed repeats the steps after its checkpoint:
/// the later line counts. Never throws for what is in the log.
RunCurves read_curves(std::string_view log);

}  // namespace beeld
