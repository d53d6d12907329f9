#include "multimodal/search/query_words.h"

#include <charconv>
#include <cmath>
#include <system_error>

#include "multimodal/search/query_path.h"

namespace beeld {

std::vector<SignedOperand> split_at_signs(std::string_view text) {
  const auto is_blank = [&](std::size_t i) { return without_blanks_around(text.substr(i, 1)).empty(); };
  std::vector<SignedOperand> operands;
  std::size_t begin = 0;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if ((text[i] != '+' && text[i] != '-') || !is_blank(i - 1) || !is_blank(i + 1)) continue;
    operands.push_back({without_blanks_around(text.substr(begin, i - begin)), text[i] == '-' ? -1.0 : 1.0});
    begin = i + 1;
  }
  operands.push_back({without_blanks_around(text.substr(begin)), 1});
  return operands;
}

std::pair<double, std::string_view> weight_of(std::string_view operand) {
  double number = 0;
  const auto parsed = std::from_chars(operand.data(), operand.data() + operand.size(), number);
  const auto rest =
      without_blanks_around(operand.substr(static_cast<std::size_t>(parsed.ptr - operand.data())));
  const bool weight =
      parsed.ec == std::errc() && std::isfinite(number) && number >= 0 && rest.starts_with('*');
  const auto words = weight ? without_blanks_around(rest.substr(1)) : std::string_view();
  return words.empty() ? std::pair(1.0, operand) : std::pair(number, words);
}

}  // namespace beeld
