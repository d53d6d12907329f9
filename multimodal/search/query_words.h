#pragma once

#include <string_view>
#include <utility>
#include <vector>

namespace beeld {

/// An operand without its sign, and the sign of the next one: 1 or -1.
struct SignedOperand {
  std::string_view text;
  double next_sign = 1;
};

/// Splits a text without quotes at each + and - between blanks; the parts have no blanks around them. One
/// part where there is none.
std::vector<SignedOperand> split_at_signs(std::string_view text);

/// The number before a *, and what follows it; 1 and all of the text where there is no number, none that is
/// finite and not negative, or nothing behind it.
std::pair<double, std::string_view> weight_of(std::string_view operand);

}  // namespace beeld
