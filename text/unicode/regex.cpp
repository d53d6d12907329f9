#include "text/unicode/regex.h"

#include <beeld/error.h>

#include "text/unicode/growth.h"
#include "text/unicode/utf8.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace beeld {

namespace {

constexpr std::size_t longest_pattern = 1 << 16;
constexpr std::uint32_t match_limit = 5'000'000;
constexpr std::uint32_t heap_limit_kib = 256 << 10;

constexpr std::string_view white_space =
    R"(\x09-\x0D\x20\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";
constexpr std::string_view word = R"(\p{L}\p{M}\p{Nl}\p{Nd}\p{Pc})";

[[noreturn]] void refuse(std::string_view pattern, const std::string& reason) {
  throw Error(ErrorCode::unsupported, "[regex] " + std::string(pattern.substr(0, 200)) + ": " + reason);
}

/// One escape of the pattern, rewritten where PCRE2 reads it differently from Oniguruma.
std::string translate_escape(std::string_view pattern, char letter, bool in_class) {
  const auto shorthand = [&](std::string_view members, bool negated) {
    if (in_class && negated) refuse(pattern, "a negated shorthand inside brackets is not supported");
    if (in_class) return std::string(members);
    return (negated ? "[^" : "[") + std::string(members) + "]";
  };
  switch (letter) {
    case 's':
    case 'S':
      return shorthand(white_space, letter == 'S');
    case 'w':
    case 'W':
      return shorthand(word, letter == 'W');
    case 'h':
    case 'H':
      return shorthand("0-9a-fA-F", letter == 'H');
    default:
      return {'\\', letter};
  }
}

std::string translate(std::string_view pattern) {
  if (pattern.size() > longest_pattern) refuse(pattern, "longer than 65536 bytes");
  std::string result;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      result += translate_escape(pattern, pattern[++i], in_class);
      continue;
    }
    if (in_class && c == '&' && pattern.substr(i, 2) == "&&") {
      refuse(pattern, "intersections of classes are not supported");
    }
    if (in_class && c == '[' && pattern.substr(i, 2) != "[:") {
      refuse(pattern, "classes inside classes are not supported");
    }
    if (in_class && c == '[') {  // [:posix:]
      const auto end = pattern.find(":]", i + 2);
      if (end == std::string_view::npos) refuse(pattern, "an open class name");
      result += pattern.substr(i, end + 2 - i);
      i = end + 1;
      continue;
    }
    result += c;
    if (!in_class && c == '[') {
      in_class = true;
      if (pattern.substr(i + 1, 1) == "^") result += pattern[++i];
      if (pattern.substr(i + 1, 1) == "]") result += pattern[++i];
    } else if (in_class && c == ']') {
      in_class = false;
    }
  }
  return result;
}

struct FreeMatchData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
using MatchData = std::unique_ptr<pcre2_match_data, FreeMatchData>;

}  // namespace

struct Regex::Compiled {
  std::string pattern;
  pcre2_code* code = nullptr;
  pcre2_match_context* context = nullptr;

  Compiled(std::string_view pattern_, Case letters) : pattern(pattern_) {
    const std::string translated = translate(pattern_);
    int error = 0;
    PCRE2_SIZE offset = 0;
    const std::uint32_t options =
        PCRE2_UTF | PCRE2_UCP | (letters == Case::insensitive ? std::uint32_t{PCRE2_CASELESS} : 0);
    code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(), options, &error,
                         &offset, nullptr);
    if (!code) {
      PCRE2_UCHAR message[256] = {};
      pcre2_get_error_message(error, message, sizeof message);
      throw Error(ErrorCode::corrupt, "[regex] " + pattern.substr(0, 200) + ": " +
                                          reinterpret_cast<const char*>(message) + " at " +
                                          std::to_string(offset));
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // where it fails, the interpreter does the same
    context = pcre2_match_context_create(nullptr);
    pcre2_set_match_limit(context, match_limit);
    pcre2_set_heap_limit(context, heap_limit_kib);
  }
  ~Compiled() {
    pcre2_match_context_free(context);
    pcre2_code_free(code);
  }
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;

  MatchData match_data() const { return MatchData(pcre2_match_data_create(1, nullptr)); }

  bool find(std::string_view text, std::size_t start, pcre2_match_data* data, Span& span) const {
    const auto subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    int rc = pcre2_match(code, subject, text.size(), start, PCRE2_NO_UTF_CHECK, data, context);
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT) {
      rc = pcre2_match(code, subject, text.size(), start, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data, context);
    }
    if (rc == PCRE2_ERROR_NOMATCH) return false;
    if (rc < 0) {
      throw Error(ErrorCode::limit, "[regex] " + pattern.substr(0, 200) +
                                        ": the text needs more steps than " + "allowed (PCRE2 error " +
                                        std::to_string(rc) + ")");
    }
    const auto* vector = pcre2_get_ovector_pointer(data);
    span = {vector[0], vector[1]};
    return span.begin <= span.end && span.begin >= start;
  }
};

Regex::Regex(std::string_view pattern, Case letters)
    : compiled_(std::make_unique<const Compiled>(pattern, letters)) {}
Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

std::vector<Span> Regex::find_all(std::string_view text) const {
  std::vector<Span> matches;
  const auto data = compiled_->match_data();
  Span span;
  std::size_t start = 0;
  while (start <= text.size() && compiled_->find(text, start, data.get(), span)) {
    matches.push_back(span);
    start = span.end;
    if (span.begin == span.end) {
      start += start < text.size() ? sequence_length(text[start]) : 1;
    }
  }
  return matches;
}

bool Regex::contains(std::string_view text) const {
  Span span;
  return compiled_->find(text, 0, compiled_->match_data().get(), span);
}

std::string Regex::replace_all(std::string_view text, std::string_view content) const {
  const auto matches = find_all(text);
  check_growth(text.size(), matches.size() * content.size());
  std::string result;
  std::size_t done = 0;
  for (const auto& match : matches) {
    result += text.substr(done, match.begin - done);
    result += content;
    done = match.end;
  }
  result += text.substr(done);
  return result;
}

}  // namespace beeld
