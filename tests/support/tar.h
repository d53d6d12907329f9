#pragma once

#include <string>

namespace beeld::testing {

/// One file of a ustar archive: header block, content, padding. Names of at most 99 bytes.
std::string tar_entry(const std::string& name, const std::string& content);

/// What a ustar archive ends with.
std::string tar_end();

}  // namespace beeld::testing
