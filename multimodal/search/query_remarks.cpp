#include "multimodal/search/query_remarks.h"

#include <beeld/tokenizer.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/base/text.h"
#include "multimodal/search/query_path.h"
#include "multimodal/search/query_words.h"
#include "multimodal/update/picture_files.h"

namespace beeld {

namespace {

constexpr double mostly = 0.5;
constexpr std::size_t longest_counted = 4096;

std::string with_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

/// How the text would be written as a sum; empty where it has no sign that could mean one.
std::string as_sum(std::string_view text) {
  std::string sum;
  double sign = 1;
  if (text.size() > 1 && text.front() == '-' && text[1] != ' ') {
    sign = -1;
    text.remove_prefix(1);
  }
  const auto operands = split_at_signs(text);
  bool weighted = false;
  for (const auto& [operand, next_sign] : operands) {
    const auto [weight, words] = weight_of(operand);
    if (words.empty()) return "";
    weighted = weighted || words.size() < operand.size();
    sum += sum.empty() ? (sign < 0 ? "-" : "") : (sign < 0 ? " - " : " + ");
    sum += std::string(operand.substr(0, operand.size() - words.size())) + with_quotes(words);
    sign = next_sign;
  }
  return operands.size() > 1 || weighted || sum.front() == '-' ? sum : "";
}

/// The first term alone, as it was written: neither quoted nor part of a sum.
bool is_bare(std::string_view expression, const std::vector<QueryTerm>& terms) {
  return terms.size() == 1 && terms.front().value == without_blanks_around(expression);
}

std::string remark_on_form(std::string_view text, const QueryTerm& term) {
  const auto name = "'" + std::string(text) + "'";
  const auto quoted = "'" + with_quotes(text) + "'";
  if (term.kind == QueryTerm::Kind::picture) {
    if (text.find_first_of("/.") != std::string_view::npos) return "";
    return name + " is the picture of that name; the word is written " + quoted;
  }
  if (term.kind != QueryTerm::Kind::text) return "";
  if (is_folder(text)) return name + " is taken for a text, though there is a folder of that name";
  if (is_file(text)) return name + " is taken for a text: the file of that name is no picture";
  if (is_picture_name(std::string(text))) return name + " is taken for a text: there is no such file";
  if (const auto sum = as_sum(text); !sum.empty())
    return name + " is taken for one text; a sum is written '" + sum + "'";
  return "";
}

}  // namespace

double unknown_part(const Tokenizer& tokenizer, const std::string& text) {
  if (!is_utf8(text)) return 0;
  if (std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) >= 0; }))
    return 0;
  // Private characters, cuneiform and hieroglyphs, of which no vocabulary has all.
  std::set<std::vector<std::int32_t>> unknown = {tokenizer.encode_full("")};
  for (const char* character : {"\xEE\x80\x80", "\xEF\xA3\xBF", "\xF0\x92\x80\x80", "\xF0\x93\x80\x80"})
    unknown.insert(tokenizer.encode_full(character));
  std::map<std::string, bool> known;
  std::size_t all = 0, missing = 0;
  for (std::size_t i = 0; i < std::min(text.size(), longest_counted);) {
    const auto first = static_cast<unsigned char>(text[i]);
    const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    const auto character = text.substr(i, length);
    i += length;
    if (length == 1) {
      const bool letter = (first | 0x20) >= 'a' && (first | 0x20) <= 'z';
      all += letter ? 1 : 0;
      continue;
    }
    const auto [entry, added] = known.try_emplace(character);
    if (added) entry->second = !unknown.contains(tokenizer.encode_full(character));
    ++all;
    missing += entry->second ? 0 : 1;
  }
  return all == 0 ? 0 : static_cast<double>(missing) / static_cast<double>(all);
}

std::vector<std::string> query_remarks(const std::string& expression, const std::vector<QueryTerm>& terms,
                                       const Tokenizer* tokenizer) {
  std::vector<std::string> remarks;
  if (is_bare(expression, terms)) {
    auto remark = remark_on_form(terms.front().value, terms.front());
    if (!remark.empty()) remarks.push_back(std::move(remark));
  }
  for (const auto& term : terms) {
    if (term.kind == QueryTerm::Kind::text && tokenizer && unknown_part(*tokenizer, term.value) >= mostly)
      remarks.push_back("the model does not know most characters of '" + term.value + "'");
  }
  return remarks;
}

}  // namespace beeld
