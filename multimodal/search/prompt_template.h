#pragma once

#include <string>

namespace beeld {

/// A template such as "a photo of a {}." with the text in place of its first {}. Throws
/// Error(invalid_argument) where there is none.
std::string fill_template(const std::string& pattern, const std::string& text);

}  // namespace beeld
