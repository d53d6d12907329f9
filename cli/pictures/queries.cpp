#include "cli/pictures/queries.h"

#include <beeld/error.h>
#include <beeld/tokenizer.h>

#include "multimodal/search/query_path.h"
#include "multimodal/search/query_remarks.h"

namespace beeld::cli {

void look_at_query(Session& session, const std::string& query, const LibraryOptions& libraries) {
  const bool alone = libraries.folders.empty() || query.ends_with('/') || can_only_be_path(query);
  if (alone && is_folder(query)) {
    throw Error(ErrorCode::invalid_argument,
                "[search] '" + query +
                    "' is a folder, and what to search for is missing: beeld search \"a dog\" " + query +
                    " (the word itself is written '\"" + query + "\"')");
  }
  const auto terms = parse_query(query);
  const Model& model = session.model();
  const auto* tokenizer = model.info().has_text ? &model.tokenizer() : nullptr;
  for (const auto& remark : query_remarks(query, terms, tokenizer)) session.output.note(printable(remark));
}

void note_unknown_labels(Session& session, const std::vector<std::string>& labels) {
  const Model& model = session.model();
  if (!model.info().has_text) return;
  std::string unknown;
  for (const auto& label : labels)
    if (unknown_part(model.tokenizer(), label) >= 0.5) unknown += (unknown.empty() ? "" : ", ") + label;
  if (!unknown.empty())
    session.output.note("the model does not know most characters of " + printable(unknown));
}

}  // namespace beeld::cli
