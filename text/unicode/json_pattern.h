#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "text/unicode/regex.h"

namespace beeld {

/// The `pattern` of a tokenizer.json, `{"String": s}` or `{"Regex": r}`, as a regular expression. Throws
/// Error(corrupt) for anything else.
Regex read_pattern(const nlohmann::json& value, const std::string& origin);

/// A regular expression for exactly `text`.
Regex literal_pattern(std::string_view text);

}  // namespace beeld
