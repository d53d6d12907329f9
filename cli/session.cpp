#include "cli/session.h"

#include <beeld/error.h>
#include <beeld/store.h>

#include <cstdlib>

namespace beeld::cli {

std::filesystem::path Session::model_folder() const {
  if (!options.model.empty()) return resolve_model(options.model);
  const char* variable = std::getenv("BEELD_MODEL");
  if (variable && *variable) return resolve_model(variable);
  throw Error(
      ErrorCode::not_found,
      "[model] no model was named, and this version has no model of its own: give --model FOLDER, set "
      "BEELD_MODEL, or fetch one with 'beeld pull hf:openai/clip-vit-base-patch32' and give --model "
      "openai/clip-vit-base-patch32");
}

const Model& Session::model() {
  if (!model_) model_ = Model::load(model_folder());
  return *model_;
}

}  // namespace beeld::cli
