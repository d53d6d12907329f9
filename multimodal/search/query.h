#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "multimodal/search/prompts.h"

namespace beeld {

/// One operand of a query, with its sign and weight.
struct QueryTerm {
  enum class Kind { text, picture };
  double weight = 1;
  Kind kind = Kind::text;
  std::string value;  ///< The text, or the path of the picture.
  bool operator==(const QueryTerm&) const = default;
};

/// Reads a query expression:
///
///     expression = ["-"] term { ("+" | "-") term }
///     term       = [ number "*" ] ( '"' text '"' | path )
///
/// In a text, \" stands for a quote and \\ for a backslash. Outside quotes "+" and "-" are operators only
/// after a blank or a quoted text, or before one, so that `t-shirt` and `my-photo.jpg` stay whole; a path
/// runs as far as a file of that name exists. A string that is the path of a file is that picture; one in
/// which no operand is quoted and none is a file is one text.
///
/// Throws Error(invalid_argument) with the position for an expression with a quoted operand or a file that
/// breaks these rules, and for an empty one.
std::vector<QueryTerm> parse_query(const std::string& expression);

/// How operands become vectors; rows need not be of unit length.
struct QueryEncoder {
  TextEncoder texts;
  std::function<std::vector<float>(const std::filesystem::path&)> picture;  ///< [D]
};

/// The weighted sum of the operands' unit embeddings, scaled to unit length; texts are embedded by
/// embed_by_prompts(). Throws as that does, and Error(invalid_argument) where the sum is zero.
std::vector<float> embed_query(const std::vector<QueryTerm>& terms, const QueryEncoder& encoder,
                               const std::vector<std::string>& templates);

}  // namespace beeld
