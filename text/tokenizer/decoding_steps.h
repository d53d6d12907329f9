#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "text/tokenizer/decoder.h"

namespace beeld {

/// A step that needs a token as a whole.
class WholeTokens : public DecodingStep {
 public:
  explicit WholeTokens(const StepPlace& place) : next_(place.next) {}

  void add(std::string_view part) override { token_ += part; }
  void end_token() override;
  void finish() override { next_.finish(); }

 protected:
  virtual void token(std::string_view token) = 0;

  /// Hands a whole token on.
  void send(std::string_view token) {
    next_.add(token);
    next_.end_token();
  }

  DecodingStep& next() { return next_; }

 private:
  DecodingStep& next_;
  std::string token_;
};

/// Makes steps of type `Step`, whose constructor takes the place and `arguments`.
template <class Step, class... Arguments>
Decoder::MakeStep make_step(Arguments... arguments) {
  return [... arguments = std::move(arguments)](const StepPlace& place) -> std::unique_ptr<DecodingStep> {
    return std::make_unique<Step>(place, arguments...);
  };
}

}  // namespace beeld
