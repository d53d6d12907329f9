#include "text/tokenizer/decoder.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "text/subword/byte_alphabet.h"
#include "text/tokenizer/decoding_steps.h"
#include "text/unicode/unicode.h"
#include "text/unicode/utf8.h"

namespace beeld {

namespace {

class ByteLevel : public WholeTokens {
 public:
  using WholeTokens::WholeTokens;

  void finish() override {
    next().add(valid_utf8(bytes_));
    next().end_token();
    next().finish();
  }

 private:
  void token(std::string_view token) override {
    if (!append_alphabet_bytes(token, bytes_)) bytes_ += token;
    const auto ready = bytes_.size() - incomplete_tail(bytes_);
    next().add(valid_utf8(std::string_view(bytes_).substr(0, ready)));
    bytes_.erase(0, ready);
  }

  std::string bytes_;  ///< of a character that is not complete
};

void replace_all(std::string& text, std::string_view pattern, std::string_view content) {
  for (auto at = text.find(pattern); at != std::string::npos; at = text.find(pattern, at + content.size())) {
    text.replace(at, pattern.size(), content);
  }
}

constexpr std::pair<std::string_view, std::string_view> clean_ups[] = {
    {" .", "."},     {" ?", "?"},   {" !", "!"},   {" ,", ","},     {" ' ", "'"},
    {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};

class WordPiece : public WholeTokens {
 public:
  WordPiece(const StepPlace& place, const std::string& prefix, bool clean_up)
      : WholeTokens(place), prefix_(prefix), clean_up_(clean_up) {}

 private:
  void token(std::string_view token) override {
    std::string text(token);
    if (!first_ && text.starts_with(prefix_)) {
      text.erase(0, prefix_.size());
    } else if (!first_) {
      text.insert(0, 1, ' ');
    }
    first_ = false;
    if (clean_up_) {
      for (const auto& [pattern, content] : clean_ups) replace_all(text, pattern, content);
      replace_all(text, " do not", " don't");  // which transformers' own clean-up leaves
    }
    send(text);
  }

  std::string prefix_;
  bool clean_up_;
  bool first_ = true;
};

class ByteFallback : public WholeTokens {
 public:
  using WholeTokens::WholeTokens;

  void finish() override {
    send_bytes();
    next().finish();
  }

 private:
  void token(std::string_view token) override {
    if (const auto byte = byte_of_piece(token)) {
      bytes_ += static_cast<char>(*byte);
      return;
    }
    send_bytes();
    send(token);
  }

  /// Whether a run is valid is known only at its end.
  void send_bytes() {
    if (bytes_.empty()) return;
    if (is_valid_utf8(bytes_)) {
      send(bytes_);
    } else {
      for (std::size_t i = 0; i < bytes_.size(); ++i) send(replacement_character);
    }
    bytes_.clear();
  }

  std::string bytes_;
};

/// A step that sees the text and not its tokens.
class TextStep : public DecodingStep {
 public:
  explicit TextStep(const StepPlace& place) : next_(place.next) {}
  void end_token() override {}

 protected:
  void end() {
    next_.end_token();
    next_.finish();
  }

  DecodingStep& next_;
};

class ReplaceInText : public TextStep {
 public:
  ReplaceInText(const StepPlace& place, const std::string& pattern, const std::string& content)
      : TextStep(place), pattern_(pattern), content_(content) {}

  void add(std::string_view part) override {
    held_ += part;
    std::string_view rest = held_;
    for (auto at = rest.find(pattern_); at != std::string_view::npos; at = rest.find(pattern_)) {
      next_.add(rest.substr(0, at));
      next_.add(content_);
      rest.remove_prefix(at + pattern_.size());
    }
    auto kept = std::min(rest.size(), pattern_.size() - 1);
    while (!rest.ends_with(std::string_view(pattern_).substr(0, kept))) --kept;
    next_.add(rest.substr(0, rest.size() - kept));
    held_.erase(0, held_.size() - kept);
  }

  void finish() override {
    next_.add(held_);
    end();
  }

 private:
  std::string pattern_;
  std::string content_;
  std::string held_;  ///< what `pattern` begins with
};

class Trim : public TextStep {
 public:
  using TextStep::TextStep;

  void add(std::string_view part) override {
    if (!started_) part = strip(part, is_python_space, true, false);
    if (part.empty()) return;
    started_ = true;
    const auto text = strip(part, is_python_space, false, true);
    if (!text.empty()) {
      next_.add(space_);
      next_.add(text);
      space_.clear();
    }
    space_ += part.substr(text.size());
  }

  void finish() override { end(); }

 private:
  bool started_ = false;
  std::string space_;  ///< which belongs to the text if more follows
};

class JoinWithSpaces : public DecodingStep {
 public:
  explicit JoinWithSpaces(const StepPlace& place) : next_(place.next) {}

  void add(std::string_view part) override {
    if (between_) next_.add(" ");
    between_ = false;
    next_.add(part);
  }

  void end_token() override {
    if (between_) next_.add(" ");  // an empty token
    between_ = true;
  }

  void finish() override {
    next_.end_token();
    next_.finish();
  }

 private:
  DecodingStep& next_;
  bool between_ = false;
};

}  // namespace

void WholeTokens::end_token() {
  // The step may add to the next token's parts only after this one is done.
  const auto whole = std::exchange(token_, {});
  token(whole);
}

class Decoder::Run::Collector : public DecodingStep {
 public:
  void add(std::string_view part) override { text += part; }
  void end_token() override {}
  void finish() override {}

  std::string text;
};

Decoder::Run::Run(const Decoder& decoder) : collector_(std::make_unique<Collector>()) {
  DecodingStep* next = collector_.get();
  for (auto make = decoder.steps_.rbegin(); make != decoder.steps_.rend(); ++make) {
    steps_.push_back((*make)({*next, bytes_}));
    next = steps_.back().get();
  }
}

Decoder::Run::~Run() = default;

void Decoder::Run::add(std::string_view part) {
  bytes_ += part.size();
  if (steps_.empty()) return collector_->add(part);
  steps_.back()->add(part);
}

void Decoder::Run::end_token() {
  if (!steps_.empty()) steps_.back()->end_token();
}

void Decoder::Run::finish() {
  if (!steps_.empty()) steps_.back()->finish();
}

std::string Decoder::Run::take() { return std::exchange(collector_->text, {}); }

void Decoder::append(Decoder decoder) {
  std::move(decoder.steps_.begin(), decoder.steps_.end(), std::back_inserter(steps_));
}

Decoder::MakeStep decode_byte_level() { return make_step<ByteLevel>(); }

Decoder::MakeStep decode_word_piece(const std::string& prefix, bool clean_up) {
  return make_step<WordPiece>(prefix, clean_up);
}

Decoder::MakeStep decode_byte_fallback() { return make_step<ByteFallback>(); }

Decoder::MakeStep replace_in_text(const std::string& pattern, const std::string& content) {
  return make_step<ReplaceInText>(pattern, content);
}

Decoder::MakeStep trim_text() { return make_step<Trim>(); }

Decoder::MakeStep join_with_spaces() { return make_step<JoinWithSpaces>(); }

Decoder clean_up_spaces() {
  Decoder decoder;
  for (const auto& [pattern, content] : clean_ups) {
    decoder.append(replace_in_text(std::string(pattern), std::string(content)));
  }
  return decoder;
}

}  // namespace beeld
