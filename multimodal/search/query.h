#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "multimodal/search/prompts.h"

namespace beeld {

/// One operand of a query, with its sign and weight.
struct QueryTerm {
  enum class Kind { text, picture, address };
  double weight = 1;
  Kind kind = Kind::text;
  std::string value;  ///< The text, the path of the picture, or its address on the web.
  bool operator==(const QueryTerm&) const = default;
};

/// Reads a query expression:
///
///     expression = ["-"] term { ("+" | "-") term }
///     term       = [ number "*" ] ( '"' text '"' | path | address )
///
/// In a text, \" stands for a quote and \\ for a backslash. Outside quotes "+" and "-" are operators only
/// after a blank or a quoted text, or before one, so that `t-shirt` and `my-photo.jpg` stay whole; a path
/// runs as far as a file of that name exists. An address begins with http://, https:// or file://, and ends
/// at a blank; one of the last kind is a path. A string that is the path of a file is that picture, but a
/// word stays one beside a file of its name that holds no picture.
///
/// Where no operand is quoted and none is a file, the string is one text, for captions have signs in them;
/// but with a weight, as in `2*snow + mountain`, it is a sum of texts.
///
/// Throws Error(invalid_argument) with the position for an expression with a quoted operand or a file that
/// breaks these rules, for an empty one, and for one that can only be a path where there is no such file.
std::vector<QueryTerm> parse_query(const std::string& expression);

/// How operands become vectors; rows need not be of unit length.
struct QueryEncoder {
  TextEncoder texts;
  std::function<std::vector<float>(const std::filesystem::path&)> picture;  ///< [D]

  /// Of a picture on the web: [D]. Where it is empty, addresses are an Error(unsupported).
  std::function<std::vector<float>(const std::string&)> address = {};
};

/// The weighted sum of the operands' unit embeddings, scaled to unit length; texts are embedded by
/// embed_by_prompts(). Throws as that does, and Error(invalid_argument) where the sum is zero.
std::vector<float> embed_query(const std::vector<QueryTerm>& terms, const QueryEncoder& encoder,
                               const std::vector<std::string>& templates);

}  // namespace beeld
