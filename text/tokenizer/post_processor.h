#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "text/tokenizer/pipeline.h"

namespace beeld {

/// The ids that the `post_processor` of a tokenizer.json puts around one text; none for null. Throws Error:
/// corrupt, or unsupported for a type this version does not have.
Frame read_post_processor(const nlohmann::json& value, const std::string& origin);

}  // namespace beeld
