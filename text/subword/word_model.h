#pragma once

#include <string_view>
#include <vector>

#include "text/subword/vocabulary.h"

namespace beeld {

/// Turns one word, as the pre-tokenizer cut it, into ids of its pieces. Const and thread-safe.
class WordModel {
 public:
  virtual ~WordModel() = default;

  /// Appends the ids of `word`, valid UTF-8.
  virtual void encode(std::string_view word, std::vector<std::int32_t>& ids) const = 0;

  /// What ends the last piece of a word; empty where nothing does.
  virtual std::string_view end_suffix() const { return {}; }

  const Vocabulary& vocabulary() const { return vocabulary_; }

 protected:
  explicit WordModel(Vocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {}

 private:
  Vocabulary vocabulary_;
};

}  // namespace beeld
