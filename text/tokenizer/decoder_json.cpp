#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/format/settings.h"
#include "text/tokenizer/decoding_steps.h"
#include "text/unicode/growth.h"
#include "text/unicode/json_pattern.h"
#include "text/unicode/utf8.h"

namespace beeld {

namespace {

[[noreturn]] void corrupt(const Settings& settings, const std::string& what) {
  throw Error(ErrorCode::corrupt, "[tokenizer] " + settings.origin() + ": " + what);
}

std::string replaced(std::string_view text, std::string_view pattern, std::string_view content) {
  std::string result;
  for (auto at = text.find(pattern); at != std::string_view::npos; at = text.find(pattern)) {
    result += text.substr(0, at);
    result += content;
    text.remove_prefix(at + pattern.size());
  }
  return result += text;
}

/// Where spaces are a visible character. That of the first token is one that encoding put there.
class Metaspace : public WholeTokens {
 public:
  Metaspace(const StepPlace& place, const std::string& replacement, bool prepended)
      : WholeTokens(place), replacement_(replacement), drop_(prepended) {}

 private:
  void token(std::string_view token) override {
    send(replaced(token, replacement_, drop_ ? "" : " "));
    drop_ = false;
  }

  std::string replacement_;
  bool drop_;
};

class Fuse : public DecodingStep {
 public:
  explicit Fuse(const StepPlace& place) : next_(place.next) {}
  void add(std::string_view part) override { next_.add(part); }
  void end_token() override {}
  void finish() override {
    next_.end_token();
    next_.finish();
  }

 private:
  DecodingStep& next_;
};

/// Replaces in every token. A file may chain steps that each multiply the text, so that all is counted.
class Replace : public WholeTokens {
 public:
  using Apply = std::function<std::string(std::string_view)>;

  Replace(const StepPlace& place, Apply apply)
      : WholeTokens(place), apply_(std::move(apply)), bytes_(place.bytes) {}

 private:
  void token(std::string_view token) override {
    const auto text = apply_(token);
    sent_ += text.size();
    check_growth(bytes_, sent_);
    send(text);
  }

  Apply apply_;
  const std::size_t& bytes_;
  std::size_t sent_ = 0;
};

struct StripOptions {
  char32_t content = ' ';
  int start = 0;  ///< At most so many of them at the start of a token go,
  int stop = 0;   ///< and at its end.
};

/// Hands the rest of a token on as it comes: behind a Fuse the whole text is one.
class Strip : public DecodingStep {
 public:
  Strip(const StepPlace& place, const StripOptions& options)
      : next_(place.next), options_(options), start_(options.start) {
    append_utf8(content_, options.content);
  }

  void add(std::string_view part) override {
    held_ += part;
    std::string_view rest = held_;
    while (start_ > 0 && rest.starts_with(content_)) {
      rest.remove_prefix(content_.size());
      --start_;
    }
    if (!rest.empty()) start_ = 0;
    auto kept = std::size_t{0};
    for (int i = 0; i < options_.stop && ends_with_content(rest, kept); ++i) kept += content_.size();
    next_.add(rest.substr(0, rest.size() - kept));
    held_.erase(0, held_.size() - kept);
  }

  void end_token() override {
    held_.clear();
    start_ = options_.start;
    next_.end_token();
  }

  void finish() override { next_.finish(); }

 private:
  bool ends_with_content(std::string_view text, std::size_t kept) const {
    return text.substr(0, text.size() - kept).ends_with(content_);
  }

  DecodingStep& next_;
  StripOptions options_;
  std::string content_;
  int start_;
  std::string held_;  ///< what the end of the token may take
};

/// A suffix ends words: a space, but for that of the last token.
class WordEnds : public WholeTokens {
 public:
  WordEnds(const StepPlace& place, const std::string& suffix) : WholeTokens(place), suffix_(suffix) {}

  void finish() override {
    if (has_last_) send(replaced(last_, suffix_, ""));
    next().finish();
  }

 private:
  void token(std::string_view token) override {
    if (has_last_) send(replaced(last_, suffix_, " "));
    last_ = token;
    has_last_ = true;
  }

  std::string suffix_;
  std::string last_;
  bool has_last_ = false;
};

Decoder read_sequence(Settings& settings) {
  constexpr std::size_t most_steps = 64;
  const auto& list = settings.raw("decoders");
  if (!list.is_array() || list.size() > most_steps) {
    corrupt(settings, "decoders should be a list of at most " + std::to_string(most_steps));
  }
  Decoder decoder;
  for (const auto& item : list) decoder.append(read_decoder(item, settings.origin()));
  return decoder;
}

Decoder::MakeStep read_metaspace(Settings& settings) {
  const auto replacement = settings.string("replacement", "\xE2\x96\x81");
  if (count_code_points(replacement) != 1) corrupt(settings, "replacement is no character");
  const bool add_prefix_space = settings.boolean("add_prefix_space", true);  // files before 2024
  const auto scheme = settings.string("prepend_scheme", add_prefix_space ? "always" : "never");
  if (scheme != "always" && scheme != "first" && scheme != "never") {
    corrupt(settings, "a prepend_scheme \"" + scheme + "\"");
  }
  settings.ignore({"str_rep", "split"});
  return make_step<Metaspace>(replacement, scheme != "never");
}

Decoder::MakeStep read_replace(Settings& settings) {
  const auto content = settings.string("content", "");
  const auto& pattern = settings.raw("pattern");
  const auto literal = pattern.is_object() ? pattern.value("String", std::string()) : std::string();
  if (!literal.empty()) {
    return make_step<Replace>(Replace::Apply([literal, content](std::string_view text) {
      std::size_t matches = 0;
      for (auto at = text.find(literal); at != std::string_view::npos;
           at = text.find(literal, at + literal.size())) {
        ++matches;
      }
      check_growth(text.size(), text.size() + matches * content.size());
      return replaced(text, literal, content);
    }));
  }
  auto regex = std::make_shared<const Regex>(read_pattern(pattern, settings.origin()));
  return make_step<Replace>(
      Replace::Apply([regex, content](std::string_view text) { return regex->replace_all(text, content); }));
}

Decoder::MakeStep read_strip(Settings& settings) {
  constexpr int most = 1 << 16;
  const auto content = settings.string("content", " ");
  if (count_code_points(content) != 1) corrupt(settings, "content is no character");
  StripOptions options;
  std::size_t position = 0;
  options.content = next_code_point(content, position);
  options.start = settings.bounded("start", 0, 0, most);
  options.stop = settings.bounded("stop", 0, 0, most);
  return make_step<Strip>(options);
}

Decoder::MakeStep read_word_ends(Settings& settings) {
  const auto suffix = settings.string("suffix", "</w>");
  if (suffix.empty()) corrupt(settings, "an empty suffix");
  return make_step<WordEnds>(suffix);
}

Decoder::MakeStep read_step(const std::string& type, Settings& settings) {
  if (type == "ByteLevel") {
    settings.ignore({"add_prefix_space", "trim_offsets", "use_regex"});
    return decode_byte_level();
  }
  if (type == "WordPiece") {
    const auto prefix = settings.string("prefix", "##");
    return decode_word_piece(prefix, settings.boolean("cleanup", true));
  }
  if (type == "Metaspace") return read_metaspace(settings);
  if (type == "Fuse") return make_step<Fuse>();
  if (type == "Replace") return read_replace(settings);
  if (type == "Strip") return read_strip(settings);
  if (type == "ByteFallback") return decode_byte_fallback();
  if (type == "BPEDecoder") return read_word_ends(settings);
  throw Error(ErrorCode::unsupported, "[tokenizer] " + settings.origin() + ": a decoder \"" + type + "\"");
}

}  // namespace

Decoder read_decoder(const nlohmann::json& value, const std::string& origin) {
  Decoder decoder;
  if (value.is_null()) {
    decoder.append(join_with_spaces());
    return decoder;
  }
  Settings settings(value, origin + ": decoder");
  const auto type = settings.string("type", "");
  if (type == "Sequence") {
    decoder = read_sequence(settings);
  } else {
    decoder.append(read_step(type, settings));
  }
  settings.done();
  return decoder;
}

}  // namespace beeld
