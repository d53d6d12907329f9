#include "cli/terminal/session.h"

#include <beeld/store.h>

namespace beeld::cli {

std::filesystem::path Session::model_folder() const {
  return options.model.empty() ? default_model_folder() : resolve_model(options.model);
}

const Model& Session::model() {
  if (model_) return *model_;
  model_ = Model::load(model_folder(), {.weights = options.weights});
  for (const auto& warning : model_->info().warnings)
    output.note("warning: " + printable(model_->info().name) + ": " + warning);
  return *model_;
}

}  // namespace beeld::cli
