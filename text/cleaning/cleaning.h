#pragma once

#include <string>
#include <string_view>

namespace beeld {

/// What OpenCLIP does to a text before it is tokenized, and, last, what sentence-transformers does.
enum class Cleaning {
  whitespace,    ///< fix_text(), HTML entities twice, runs of white space to one space
  lower,         ///< the same, and lower case
  canonicalize,  ///< fix_text(), HTML entities twice, no ASCII punctuation, lower case, single spaces
  strip,         ///< no white space at the ends
  strip_lower,   ///< the same, and lower case
};

/// Reads OpenCLIP's name of a cleaning; `origin` appears in messages. Throws Error(unsupported) for another
/// name.
Cleaning read_cleaning(const std::string& name, const std::string& origin);

/// The cleaned text; any bytes are accepted.
std::string clean(std::string_view bytes, Cleaning cleaning);

/// Removes `!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~`.
std::string remove_ascii_punctuation(std::string_view text);

}  // namespace beeld
