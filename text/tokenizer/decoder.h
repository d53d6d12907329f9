#pragma once

#include <beeld/tokenizer.h>

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace beeld {

/// One step from tokens to text, in the middle of one text. Tokens come in, in one part or several, and go on
/// to the next step. All parts are valid UTF-8.
class DecodingStep {
 public:
  virtual ~DecodingStep() = default;
  virtual void add(std::string_view part) = 0;
  virtual void end_token() = 0;
  /// No more tokens come.
  virtual void finish() = 0;
};

/// What the next step is, and how many bytes of tokens the text has had until now.
struct StepPlace {
  DecodingStep& next;
  const std::size_t& bytes;
};

/// The steps from tokens to text. Const and thread-safe.
class Decoder {
 public:
  using MakeStep = std::function<std::unique_ptr<DecodingStep>(const StepPlace& place)>;

  void append(MakeStep make) { steps_.push_back(std::move(make)); }
  void append(Decoder decoder);

  /// The steps at work on one text.
  class Run {
   public:
    explicit Run(const Decoder& decoder);
    ~Run();
    void add(std::string_view part);
    void end_token();
    void finish();
    /// The text that has come out since the last call.
    std::string take();

   private:
    class Collector;

    std::size_t bytes_ = 0;
    std::unique_ptr<Collector> collector_;
    std::vector<std::unique_ptr<DecodingStep>> steps_;  ///< the last first
  };

 private:
  std::vector<MakeStep> steps_;
};

/// Characters of the byte alphabet become their bytes, and these UTF-8; one token comes out.
Decoder::MakeStep decode_byte_level();

/// A space before every token but those that continue a word, whose prefix goes. With `clean_up` spaces
/// before punctuation and contractions go.
Decoder::MakeStep decode_word_piece(const std::string& prefix, bool clean_up);

/// Tokens of the form `<0xE2>` become bytes; a run of them that is not UTF-8 becomes U+FFFD for every byte.
Decoder::MakeStep decode_byte_fallback();

/// Replaces `pattern`, not empty, in the text as a whole.
Decoder::MakeStep replace_in_text(const std::string& pattern, const std::string& content);

/// Takes white space (as Python's str.strip()) from the ends of the text.
Decoder::MakeStep trim_text();

/// A space between tokens.
Decoder::MakeStep join_with_spaces();

/// Transformers' clean_up_tokenization_spaces on the whole text.
Decoder clean_up_spaces();

/// The `decoder` of a tokenizer.json; tokens joined with spaces for null. Throws Error: corrupt, or
/// unsupported for a type this version does not have.
Decoder read_decoder(const nlohmann::json& value, const std::string& origin);

}  // namespace beeld
