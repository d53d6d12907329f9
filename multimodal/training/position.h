#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "multimodal/training/data.h"

namespace beeld {

/// A position as a checkpoint holds it; every number comes back exactly.
nlohmann::json position_to_json(const TrainingPosition& position);

/// `origin` names the file in messages. Throws Error(corrupt), and Error(unsupported) for unknown keys.
TrainingPosition position_from_json(const nlohmann::json& json, const std::string& origin);

}  // namespace beeld
