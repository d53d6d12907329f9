#pragma once

#include <string>

namespace beeld::testing {

/// Whether this build reads with one of the libraries that are loaded when needed: webp, tiff, heif, avif,
/// jxl, raw, icc.
inline bool has_codec(const std::string& name) {
  return std::string(" " BEELD_CODECS " ").find(" " + name + " ") != std::string::npos;
}

}  // namespace beeld::testing
