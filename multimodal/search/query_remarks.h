#pragma once

#include <beeld/model.h>

#include <string>
#include <vector>

#include "multimodal/search/query.h"

namespace beeld {

/// What people who wrote a query may not expect of it: that signs outside quotes are part of a text, that a
/// word is a folder's or a file's name, that the model has no tokens for most of a text. Sentences without
/// full stop; mostly none. `terms` is what parse_query() made of the expression.
std::vector<std::string> query_remarks(const std::string& expression, const std::vector<QueryTerm>& terms,
                                       const Tokenizer* tokenizer);

/// The part of a text's characters, blanks and ASCII left out of the account, that the tokenizer does not
/// know: it reads them as it reads a character that no vocabulary has. 0 for a text without such characters.
double unknown_part(const Tokenizer& tokenizer, const std::string& text);

}  // namespace beeld
