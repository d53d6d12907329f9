#pragma once

#include <beeld/error.h>

#include <cstddef>
#include <string>

namespace beeld {

/// Refuses what a tokenizer's steps make of a text where it is much longer than the text: a file may chain
/// steps that each multiply it. Unicode's normal forms (11 times) and a byte alphabet (twice) stay below.
/// Throws Error(limit).
inline void check_growth(std::size_t before, std::size_t after) {
  constexpr std::size_t largest_factor = 64, any_text = 1u << 16;
  if (after <= any_text || after / largest_factor <= before) return;
  throw Error(ErrorCode::limit, "[tokenizer] its steps turn " + std::to_string(before) +
                                    " bytes of text into " + std::to_string(after));
}

}  // namespace beeld
