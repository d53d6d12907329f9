#pragma once

#include <beeld/model.h>

#include <functional>
#include <optional>
#include <string>

#include "cli/terminal/output.h"

namespace beeld::cli {

/// What the process returns.
enum class ExitCode {
  done = 0,
  some_failed = 1,    ///< Done, but some inputs failed; each is named on stderr.
  nothing_done = 2,   ///< Wrong usage, or nothing could be done.
  interrupted = 130,  ///< Ended by Ctrl-C; what was done is kept.
};

/// One run of the command: the global options, the output, and the model once something needs it.
class Session {
 public:
  GlobalOptions options;
  Output output{options};
  std::function<ExitCode()> run;  ///< Set by the command that was chosen.

  /// The folder of --model, else default_model_folder(). Throws Error(not_found) with what to do.
  std::filesystem::path model_folder() const;

  /// The model in that folder, loaded at the first call.
  const Model& model();

  /// done, or some_failed where the output has reported a failed input.
  ExitCode status() const { return output.failures() > 0 ? ExitCode::some_failed : ExitCode::done; }

 private:
  std::optional<Model> model_;
};

}  // namespace beeld::cli
