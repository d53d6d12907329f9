#pragma once

#include <beeld/tokenizer.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "text/cleaning/cleaning.h"

namespace beeld {

/// A tokenizer of Hugging Face's behind a cleaning that its checkpoint asks for.
class CleaningTokenizer : public Tokenizer {
 public:
  /// `zeroed_id` becomes 0 (OpenCLIP's strip_sep_token).
  CleaningTokenizer(std::shared_ptr<Tokenizer> inner, Cleaning cleaning,
                    std::optional<std::int32_t> zeroed_id = {})
      : inner_(std::move(inner)), cleaning_(cleaning), zeroed_id_(zeroed_id) {
    set_context_length(inner_->context_length());
  }

  std::vector<std::int32_t> encode_full(std::string_view text) const override {
    auto ids = inner_->encode_full(clean(text, cleaning_));
    if (zeroed_id_) std::replace(ids.begin(), ids.end(), *zeroed_id_, 0);
    return ids;
  }

  std::unique_ptr<TextStream> start_decoding(const TextDecoding& options) const override {
    return inner_->start_decoding(options);
  }

  std::int32_t pad_id() const override { return inner_->pad_id(); }
  std::size_t vocabulary_size() const override { return inner_->vocabulary_size(); }
  std::size_t start_tokens() const override { return inner_->start_tokens(); }
  std::size_t end_tokens() const override { return inner_->end_tokens(); }

 private:
  std::shared_ptr<Tokenizer> inner_;
  Cleaning cleaning_;
  std::optional<std::int32_t> zeroed_id_;
};

}  // namespace beeld
