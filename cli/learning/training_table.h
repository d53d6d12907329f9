#pragma once

#include <string>
#include <vector>

#include "cli/terminal/output.h"

namespace beeld::cli {

/// The log of a training run for people: a table of the steps, with the evaluations between them.
class TrainingTable {
 public:
  /// The text of a line of the log; a heading comes first where one is due.
  std::string rows(const Json& line);

 private:
  std::vector<std::string> columns_;  ///< under the last heading
  int rows_ = 0;                      ///< since that heading
};

}  // namespace beeld::cli
