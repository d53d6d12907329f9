#include "multimodal/search/query.h"

#include <beeld/error.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "core/tensor/unit_length.h"
#include "multimodal/search/prompts.h"
#include "multimodal/search/query_path.h"
#include "multimodal/search/query_words.h"

namespace beeld {

namespace {

constexpr std::size_t max_length = 64 << 10;
constexpr std::size_t max_path_ends = 32;  // file names tried for one operand

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  /// Terms, or nothing where the string is one plain text. Errors count only where it is clearly an
  /// expression.
  std::optional<std::vector<QueryTerm>> parse() {
    std::vector<QueryTerm> terms;
    std::optional<Error> error;
    try {
      skip_blanks();
      double sign = take('-') ? -1 : 1;
      terms.push_back(term(sign));
      for (skip_blanks(); at_ < text_.size(); skip_blanks()) {
        if (!peek_sign()) fail("expected + or - between operands");
        sign = text_[at_++] == '-' ? -1 : 1;
        terms.push_back(term(sign));
      }
    } catch (const Error& failure) {
      error = failure;
      // Whether it is an error at all may show further on.
      for (auto i = at_; i < text_.size(); ++i) quoted_ = quoted_ || (is_operator(i) && is_quoted_after(i));
    }
    if (!quoted_ && !found_file_) return std::nullopt;
    if (error) throw Error(*error);
    return terms;
  }

 private:
  QueryTerm term(double sign) {
    skip_blanks();
    QueryTerm result{sign * weight(), QueryTerm::Kind::text, {}};
    if (at_ == text_.size() || peek_sign()) fail("expected a text in quotes or a picture");
    if (text_[at_] == '"') {
      result.value = quoted();
    } else {
      result.kind = is_web_address(text_.substr(at_)) ? QueryTerm::Kind::address : QueryTerm::Kind::picture;
      result.value = result.kind == QueryTerm::Kind::address ? address() : path();
    }
    return result;
  }

  // 1 where no `number *` stands here.
  double weight() {
    double number = 1;
    const char* begin = text_.data() + at_;
    const char* end = text_.data() + text_.size();
    const auto [rest, status] = std::from_chars(begin, end, number);
    if (rest == begin) return 1;
    auto after = static_cast<std::size_t>(rest - text_.data());
    while (after < text_.size() && is_blank(text_[after])) ++after;
    if (after == text_.size() || text_[after] != '*') return 1;
    quoted_ = quoted_ || is_quoted_after(after);
    if (status != std::errc() || !std::isfinite(number) || number < 0)
      fail("expected a weight that is a finite number, not negative");
    at_ = after + 1;
    skip_blanks();
    return number;
  }

  std::string quoted() {
    quoted_ = true;
    const auto begin = at_++;
    std::string value;
    for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      const bool escape =
          text_[at_] == '\\' && at_ + 1 < text_.size() && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\');
      if (escape) ++at_;
      value += text_[at_];
    }
    if (at_ == text_.size()) {
      at_ = begin;
      fail("no closing quote");
    }
    ++at_;
    if (without_blanks_around(value).empty()) {
      at_ = begin;
      fail("an empty text");
    }
    return value;
  }

  // Up to the next blank.
  std::string address() {
    found_file_ = true;
    const auto begin = at_;
    while (at_ < text_.size() && !is_blank(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  // The longest file name that ends before an operator or at the end.
  std::string path() {
    if (is_file_address(text_.substr(at_))) {
      const auto written = address();
      const auto path = path_of_file_address(written);
      if (!is_file(path)) fail("'" + path + "' is no file");
      return path;
    }
    std::vector<std::size_t> ends;
    for (auto i = at_ + 1; i < text_.size() && ends.size() < max_path_ends; ++i) {
      if (is_operator(i)) ends.push_back(i);
    }
    if (ends.size() < max_path_ends) ends.push_back(text_.size());
    for (auto end = ends.rbegin(); end != ends.rend(); ++end) {
      const auto name = without_blanks_around(text_.substr(at_, *end - at_));
      if (!is_file(name)) continue;
      found_file_ = true;
      at_ = *end;
      return std::string(name);
    }
    const auto name = std::string(without_blanks_around(text_.substr(at_, ends.front() - at_)));
    fail("'" + name + "' is no file; a text beside + or - stands in quotes");
  }

  bool is_operator(std::size_t i) const {
    if (text_[i] != '+' && text_[i] != '-') return false;
    const bool after = i == 0 || is_blank(text_[i - 1]) || text_[i - 1] == '"';
    auto next = i + 1;
    while (next < text_.size() && is_blank(text_[next])) ++next;
    return after || (next < text_.size() && text_[next] == '"');
  }

  // `"` or `number * "` follows the operator at i.
  bool is_quoted_after(std::size_t i) const {
    const auto is_part_of_weight = [](char c) {
      return is_blank(c) || (c >= '0' && c <= '9') || c == '.' || c == '*';
    };
    for (++i; i < text_.size() && is_part_of_weight(text_[i]); ++i) {
    }
    return i < text_.size() && text_[i] == '"';
  }

  bool peek_sign() const { return at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-'); }

  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::invalid_argument, "[query] at character " + std::to_string(at_ + 1) + ": " + what);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool quoted_ = false;      // an operand is quoted
  bool found_file_ = false;  // an operand is a file
};

/// `2*snow + mountain`: a sum of texts by the weight in it. Nothing where there is no weight, or no sum.
std::optional<std::vector<QueryTerm>> weighted_words(std::string_view text) {
  std::vector<QueryTerm> terms;
  bool weighted = false;
  double sign = 1;
  for (const auto& [operand, next_sign] : split_at_signs(text)) {
    const auto [weight, words] = weight_of(operand);
    if (words.empty()) return std::nullopt;
    weighted = weighted || words.size() < operand.size();
    terms.push_back({sign * weight, QueryTerm::Kind::text, std::string(words)});
    sign = next_sign;
  }
  if (!weighted || terms.size() < 2) return std::nullopt;
  for (const auto& term : terms)
    if (can_only_be_path(term.value))
      throw Error(ErrorCode::invalid_argument, "[query] '" + term.value + "' is no file");
  return terms;
}

std::vector<double> unit_picture(std::span<const float> row) {
  std::vector<double> unit(row.begin(), row.end());
  if (!scale_to_unit(std::span(unit)))
    throw Error(ErrorCode::invalid_argument, "[query] the model gives zeros or infinities for a picture");
  return unit;
}

std::vector<double> embed_term(const QueryTerm& term, const QueryEncoder& encoder,
                               const std::vector<std::string>& templates) {
  if (term.kind == QueryTerm::Kind::picture) return unit_picture(encoder.picture(term.value));
  if (term.kind == QueryTerm::Kind::address) {
    if (!encoder.address)
      throw Error(ErrorCode::unsupported, "[query] " + term.value + ": pictures are not fetched here");
    return unit_picture(encoder.address(term.value));
  }
  const auto row = embed_by_prompts(encoder.texts, std::span(&term.value, 1), templates);
  return {row.values.begin(), row.values.end()};
}

void add(std::vector<double>& sum, std::span<const double> vector, double weight) {
  if (sum.empty()) sum.resize(vector.size());
  if (sum.size() != vector.size())
    throw Error(ErrorCode::invalid_argument, "[query] expected embeddings of one dimension, got " +
                                                 std::to_string(sum.size()) + " and " +
                                                 std::to_string(vector.size()));
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += weight * vector[i];
}

}  // namespace

std::vector<QueryTerm> parse_query(const std::string& expression) {
  const auto text = without_blanks_around(expression);
  if (text.empty())
    throw Error(ErrorCode::invalid_argument, "[query] expected a text or a picture, got nothing");
  if (text.size() > max_length) {
    throw Error(ErrorCode::limit, "[query] " + std::to_string(text.size()) + " characters, the limit is " +
                                      std::to_string(max_length));
  }
  if (is_word_beside_a_file(text)) return {{1, QueryTerm::Kind::text, std::string(text)}};
  if (is_file(text)) return {{1, QueryTerm::Kind::picture, std::string(text)}};
  if (auto terms = Parser(text).parse()) return *std::move(terms);
  if (auto terms = weighted_words(text)) return *std::move(terms);
  if (can_only_be_path(text)) {
    throw Error(ErrorCode::invalid_argument, "[query] '" + std::string(text) + "' is no file" +
                                                 (is_folder(text) ? " but a folder" : "") +
                                                 "; as a text it is written '\"" + std::string(text) + "\"'");
  }
  return {{1, QueryTerm::Kind::text, std::string(text)}};
}

std::vector<float> embed_query(const std::vector<QueryTerm>& terms, const QueryEncoder& encoder,
                               const std::vector<std::string>& templates) {
  std::vector<double> sum;
  double weights = 0;
  for (const auto& term : terms) {
    add(sum, embed_term(term, encoder, templates), term.weight);
    weights += std::fabs(term.weight);
  }
  // What is left when operands cancel each other is rounding, and has no meaning as a direction.
  if (!scale_to_unit(std::span(sum), 1e-6 * weights))
    throw Error(ErrorCode::invalid_argument,
                "[query] the operands cancel each other: nothing is left to search for");
  return {sum.begin(), sum.end()};
}

}  // namespace beeld
