#pragma once

#include <beeld/model.h>

#include <nlohmann/json.hpp>

#include "multimodal/training/run_file.h"

namespace beeld {

/// Takes one measurement of a run: {"evaluation", "top1", "top5"} or {"evaluation", "t2i", "i2t"}, in
/// percent. Throws as evaluate_zero_shot and evaluate_retrieval.
nlohmann::ordered_json evaluate(const Model& model, const RunEvaluation& evaluation);

}  // namespace beeld
