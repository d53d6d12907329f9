#include "text/cleaning/cleaning.h"

#include <beeld/error.h>

#include <algorithm>

#include "text/cleaning/fix_text.h"
#include "text/cleaning/html.h"
#include "text/unicode/unicode.h"
#include "text/unicode/utf8.h"

namespace beeld {

Cleaning read_cleaning(const std::string& name, const std::string& origin) {
  if (name == "whitespace") return Cleaning::whitespace;
  if (name == "lower") return Cleaning::lower;
  if (name == "canonicalize") return Cleaning::canonicalize;
  throw Error(ErrorCode::unsupported, "[tokenizer] " + origin + ": a cleaning \"" + name + "\"");
}

std::string remove_ascii_punctuation(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 || !is_bert_punctuation(byte)) result += c;
  }
  return result;
}

std::string clean(std::string_view bytes, Cleaning cleaning) {
  if (cleaning == Cleaning::strip || cleaning == Cleaning::strip_lower) {
    const auto valid = valid_utf8(bytes);
    const std::string stripped(strip(valid, is_python_space));
    return cleaning == Cleaning::strip ? stripped : lowercase_in_context(stripped);
  }
  auto text = unescape_html(unescape_html(fix_text(valid_utf8(bytes))));
  switch (cleaning) {
    case Cleaning::whitespace:
      break;
    case Cleaning::lower:
      return lowercase_in_context(collapse_python_space(text));
    case Cleaning::canonicalize:
      text = std::string(strip(text, is_python_space));
      std::replace(text.begin(), text.end(), '_', ' ');
      text = lowercase_in_context(remove_ascii_punctuation(text));
      break;
    case Cleaning::strip:
    case Cleaning::strip_lower:
      break;  // done above
  }
  return collapse_python_space(text);
}

}  // namespace beeld
