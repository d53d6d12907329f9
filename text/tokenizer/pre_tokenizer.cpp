#include "text/tokenizer/pre_tokenizer.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>

#include "core/format/settings.h"
#include "text/subword/byte_alphabet.h"
#include "text/unicode/growth.h"
#include "text/unicode/json_pattern.h"
#include "text/unicode/unicode.h"
#include "text/unicode/utf8.h"

namespace beeld {

namespace {

using Pointer = std::unique_ptr<const PreTokenizer>;
using FindAll = std::function<std::vector<Span>(std::string_view)>;

constexpr std::string_view gpt2_words =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// A stretch of the text: a match of the pattern or what lies between two.
struct Stretch {
  Span span;
  bool is_match = false;
};

std::vector<Stretch> stretches(std::string_view text, const std::vector<Span>& matches, bool invert) {
  std::vector<Stretch> result;
  std::size_t done = 0;
  for (const auto& match : matches) {
    if (match.begin > done) result.push_back({{done, match.begin}, invert});
    result.push_back({match, !invert});
    done = match.end;
  }
  if (done < text.size()) result.push_back({{done, text.size()}, invert});
  return result;
}

/// Joins stretches as Hugging Face's tokenizers do; a run of matches is joined to a neighbour only once.
std::vector<Span> join(const std::vector<Stretch>& stretches, Delimiters delimiters) {
  std::vector<Span> spans;
  bool previous = false;
  const auto add = [&](const Stretch& stretch, bool joins) {
    if (joins && !spans.empty()) {
      spans.back() = {std::min(spans.back().begin, stretch.span.begin),
                      std::max(spans.back().end, stretch.span.end)};
    } else {
      spans.push_back(stretch.span);
    }
    previous = stretch.is_match;
  };
  switch (delimiters) {
    case Delimiters::removed:
      for (const auto& s : stretches) {
        if (!s.is_match) spans.push_back(s.span);
      }
      break;
    case Delimiters::isolated:
      for (const auto& s : stretches) spans.push_back(s.span);
      break;
    case Delimiters::contiguous:
      for (const auto& s : stretches) add(s, s.is_match == previous);
      break;
    case Delimiters::merged_with_previous:
      for (const auto& s : stretches) add(s, s.is_match && !previous);
      break;
    case Delimiters::merged_with_next:
      for (auto s = stretches.rbegin(); s != stretches.rend(); ++s) add(*s, s->is_match && !previous);
      std::reverse(spans.begin(), spans.end());
      break;
  }
  return spans;
}

class Split : public PreTokenizer {
 public:
  Split(FindAll find_all, const SplitOptions& options) : find_all_(std::move(find_all)), options_(options) {}

  void split(const Piece& piece, std::vector<Piece>& words) const override {
    const std::string_view text = piece.text;
    for (const auto& span : join(stretches(text, find_all_(text), options_.invert), options_.delimiters)) {
      if (span.begin == span.end) continue;
      words.push_back(
          {std::string(text.substr(span.begin, span.end - span.begin)), piece.at_start && span.begin == 0});
    }
  }

 private:
  FindAll find_all_;
  SplitOptions options_;
};

/// Every single character with a property is a match.
Pointer split_at_characters(bool (*has_property)(char32_t), const SplitOptions& options) {
  return std::make_unique<Split>(
      [has_property](std::string_view text) {
        std::vector<Span> matches;
        for (std::size_t i = 0; i < text.size();) {
          const auto start = i;
          if (has_property(next_code_point(text, i))) matches.push_back({start, i});
        }
        return matches;
      },
      options);
}

Pointer split_at(Regex pattern, const SplitOptions& options) {
  auto shared = std::make_shared<const Regex>(std::move(pattern));
  return std::make_unique<Split>([shared](std::string_view text) { return shared->find_all(text); }, options);
}

class Steps : public PreTokenizer {
 public:
  explicit Steps(std::vector<Pointer> steps) : steps_(std::move(steps)) {}

  void split(const Piece& piece, std::vector<Piece>& words) const override {
    std::vector<Piece> current = {piece};
    for (const auto& step : steps_) {
      std::vector<Piece> next;
      next.reserve(current.size());
      for (const auto& part : current) step->split(part, next);
      std::size_t bytes = 0;
      for (const auto& part : next) bytes += part.text.size();
      check_growth(piece.text.size(), bytes);
      current = std::move(next);
    }
    std::move(current.begin(), current.end(), std::back_inserter(words));
  }

 private:
  std::vector<Pointer> steps_;
};

class ByteLevel : public PreTokenizer {
 public:
  ByteLevel(bool add_prefix_space, Pointer words)
      : add_prefix_space_(add_prefix_space), words_(std::move(words)) {}

  void split(const Piece& piece, std::vector<Piece>& words) const override {
    Piece input = piece;
    if (add_prefix_space_ && !input.text.starts_with(' ')) input.text.insert(0, 1, ' ');
    const auto first = words.size();
    if (words_) {
      words_->split(input, words);
    } else if (!input.text.empty()) {
      words.push_back(std::move(input));
    }
    for (auto i = first; i < words.size(); ++i) words[i].text = to_byte_alphabet(words[i].text);
  }

 private:
  bool add_prefix_space_;
  Pointer words_;
};

enum class Prepend { always, first, never };

/// SentencePiece's white space: spaces become a visible character, which starts the words.
class Metaspace : public PreTokenizer {
 public:
  Metaspace(const std::string& replacement, Prepend prepend, bool split)
      : replacement_(replacement), prepend_(prepend), space_(literal_pattern(" ")) {
    if (split) words_ = split_at(literal_pattern(replacement), {.delimiters = Delimiters::merged_with_next});
  }

  void split(const Piece& piece, std::vector<Piece>& words) const override {
    Piece input{space_.replace_all(piece.text, replacement_), piece.at_start};
    const bool wanted = prepend_ == Prepend::always || (prepend_ == Prepend::first && piece.at_start);
    if (wanted && !input.text.starts_with(replacement_)) input.text.insert(0, replacement_);
    if (words_) {
      words_->split(input, words);
    } else if (!input.text.empty()) {
      words.push_back(std::move(input));
    }
  }

 private:
  std::string replacement_;
  Prepend prepend_;
  Regex space_;
  Pointer words_;
};

[[noreturn]] void corrupt(const Settings& settings, const std::string& what) {
  throw Error(ErrorCode::corrupt, "[tokenizer] " + settings.origin() + ": " + what);
}

Delimiters read_delimiters(Settings& settings, const std::string& fallback) {
  const auto name = settings.string("behavior", fallback);
  if (name == "Removed") return Delimiters::removed;
  if (name == "Isolated") return Delimiters::isolated;
  if (name == "MergedWithPrevious") return Delimiters::merged_with_previous;
  if (name == "MergedWithNext") return Delimiters::merged_with_next;
  if (name == "Contiguous") return Delimiters::contiguous;
  corrupt(settings, "a behavior \"" + name + "\"");
}

Pointer read_metaspace(Settings& settings) {
  const auto replacement = settings.string("replacement", "\xE2\x96\x81");
  if (replacement.empty() || count_code_points(replacement) != 1)
    corrupt(settings, "replacement is no character");
  const bool add_prefix_space = settings.boolean("add_prefix_space", true);  // files before 2024
  const auto scheme = settings.string("prepend_scheme", add_prefix_space ? "always" : "never");
  settings.ignore({"str_rep"});
  auto prepend = Prepend::never;
  if (scheme == "always") prepend = Prepend::always;
  if (scheme == "first") prepend = Prepend::first;
  if (scheme != "always" && scheme != "first" && scheme != "never") {
    corrupt(settings, "a prepend_scheme \"" + scheme + "\"");
  }
  return std::make_unique<Metaspace>(replacement, prepend, settings.boolean("split", true));
}

Pointer read_steps(Settings& settings) {
  const auto& list = settings.raw("pretokenizers");
  if (!list.is_array()) corrupt(settings, "pretokenizers should be a list");
  std::vector<Pointer> steps;
  for (const auto& item : list) {
    if (auto step = read_pre_tokenizer(item, settings.origin())) steps.push_back(std::move(step));
  }
  return make_pre_tokenizer_sequence(std::move(steps));
}

Pointer read_digits(Settings& settings) {
  const bool individual = settings.boolean("individual_digits", false);
  return split_at_characters(is_numeric,
                             {.delimiters = individual ? Delimiters::isolated : Delimiters::contiguous});
}

Pointer read_type(Settings& settings) {
  const auto type = settings.string("type", "");
  if (type == "Sequence") return read_steps(settings);
  if (type == "Metaspace") return read_metaspace(settings);
  if (type == "Digits") return read_digits(settings);
  if (type == "BertPreTokenizer") return make_bert_pre_tokenizer();
  if (type == "WhitespaceSplit") return split_at_characters(is_white_space, {});
  if (type == "Whitespace") return make_split(R"(\w+|[^\w\s]+)", {.invert = true});
  if (type == "Punctuation") {
    return split_at_characters(is_bert_punctuation, {.delimiters = read_delimiters(settings, "Isolated")});
  }
  if (type == "Split") {
    auto pattern = read_pattern(settings.raw("pattern"), settings.origin());
    const auto delimiters = read_delimiters(settings, "");
    return split_at(std::move(pattern),
                    {.delimiters = delimiters, .invert = settings.boolean("invert", false)});
  }
  if (type == "ByteLevel") {
    settings.ignore({"trim_offsets"});
    return make_byte_level(settings.boolean("add_prefix_space", true), settings.boolean("use_regex", true));
  }
  throw Error(ErrorCode::unsupported,
              "[tokenizer] " + settings.origin() + ": a pre-tokenizer \"" + type + "\"");
}

}  // namespace

Pointer make_split(std::string_view regex, const SplitOptions& options) {
  return split_at(Regex(regex), options);
}

Pointer make_bert_pre_tokenizer() {
  std::vector<Pointer> steps;
  steps.push_back(split_at_characters(is_white_space, {}));
  steps.push_back(split_at_characters(is_bert_punctuation, {.delimiters = Delimiters::isolated}));
  return std::make_unique<Steps>(std::move(steps));
}

Pointer make_byte_level(bool add_prefix_space, bool split_words) {
  auto words = split_words ? make_split(gpt2_words, {.delimiters = Delimiters::isolated}) : nullptr;
  return std::make_unique<ByteLevel>(add_prefix_space, std::move(words));
}

Pointer make_pre_tokenizer_sequence(std::vector<Pointer> steps) {
  return std::make_unique<Steps>(std::move(steps));
}

Pointer read_pre_tokenizer(const nlohmann::json& value, const std::string& origin) {
  if (value.is_null()) return nullptr;
  Settings settings(value, origin + ": pre_tokenizer");
  auto result = read_type(settings);
  settings.done();
  return result;
}

}  // namespace beeld
