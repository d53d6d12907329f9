#pragma once

#include <beeld/tokenizer.h>
#include <gtest/gtest.h>

#include <span>
#include <string>

#include "text/unicode/utf8.h"

namespace beeld::testing {

/// The text of `ids`, decoded one by one; every piece must be valid UTF-8.
inline std::string streamed(const Tokenizer& tokenizer, std::span<const std::int32_t> ids,
                            const TextDecoding& options = {}) {
  const auto stream = tokenizer.start_decoding(options);
  std::string text;
  for (const auto id : ids) {
    const auto piece = stream->push(id);
    EXPECT_TRUE(is_valid_utf8(piece)) << id;
    text += piece;
  }
  const auto rest = stream->finish();
  EXPECT_TRUE(is_valid_utf8(rest));
  return text + rest;
}

}  // namespace beeld::testing
