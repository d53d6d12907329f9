#pragma once

#include <string>
#include <string_view>

namespace beeld {

/// Properties of code points, from utf8proc's copy of the Unicode Character Database.
bool is_white_space(char32_t c);      ///< White_Space: Rust's char::is_whitespace, `\s` of most engines
bool is_python_space(char32_t c);     ///< Python's str.isspace(): White_Space and U+001C to U+001F
bool is_letter(char32_t c);           ///< general category L
bool is_mark(char32_t c);             ///< M
bool is_nonspacing_mark(char32_t c);  ///< Mn
bool is_punctuation(char32_t c);      ///< P
bool is_connector(char32_t c);        ///< Pc
bool is_bert_punctuation(
    char32_t c);                    ///< P, and every ASCII character that is neither letter, digit nor space
bool is_other(char32_t c);          ///< C but unassigned: control, format, surrogate, private use
bool is_assigned(char32_t c);       ///< not Cn
bool is_numeric(char32_t c);        ///< N
bool is_decimal_digit(char32_t c);  ///< Nd

char32_t simple_uppercase(char32_t c);

enum class NormalizationForm { nfc, nfd, nfkc, nfkd };

/// Unicode normalization (UAX 15) of valid UTF-8, in linear time but for the sorting of runs of marks.
std::string normalize(std::string_view text, NormalizationForm form);

/// Lower case of every code point by itself: a final capital sigma becomes the medial form.
std::string lowercase(std::string_view text);

/// Lower case as Python's str.lower() has it: a capital sigma that ends a word becomes the final form.
std::string lowercase_in_context(std::string_view text);

/// Removes characters from the ends for which `is_space` holds.
std::string_view strip(std::string_view text, bool (*is_space)(char32_t), bool left = true,
                       bool right = true);

/// Python's `" ".join(text.split())`: runs of white space become one space, none is left at the ends.
std::string collapse_python_space(std::string_view text);

}  // namespace beeld
