#pragma once

#include <string>
#include <vector>

#include "cli/pictures/libraries.h"
#include "cli/terminal/session.h"

namespace beeld::cli {

/// Notes what a person may not expect of a query. Throws Error(invalid_argument) where a folder stands in its
/// place, and as parse_query().
void look_at_query(Session& session, const std::string& query, const LibraryOptions& libraries);

/// Notes labels that the model does not know most characters of.
void note_unknown_labels(Session& session, const std::vector<std::string>& labels);

}  // namespace beeld::cli
