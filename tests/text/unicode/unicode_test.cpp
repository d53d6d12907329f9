#include "text/unicode/unicode.h"

#include <gtest/gtest.h>

#include "text/unicode/utf8.h"

namespace beeld {
namespace {

TEST(Utf8, ReplacesMaximalIllFormedParts) {
  // The examples of the Unicode Standard, tables 3-8 to 3-11.
  EXPECT_EQ(valid_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
            valid_utf8("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF") + "A");
  EXPECT_EQ(valid_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), "\uFFFD\uFFFD\uFFFD\uFFFDA");
  EXPECT_EQ(valid_utf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");  // a surrogate
  EXPECT_EQ(valid_utf8("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(valid_utf8("caf\xC3"), "caf\uFFFD");
  EXPECT_EQ(valid_utf8("\xC3\xA9 \xF0\x9F\x98\x80"), "\u00E9 \U0001F600");
}

TEST(Utf8, KeepsEveryCodePoint) {
  std::u32string all;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c < 0xD800 || c > 0xDFFF) all += c;
  }
  const auto text = to_utf8(all);
  EXPECT_TRUE(is_valid_utf8(text));
  EXPECT_EQ(valid_utf8(text), text);
  EXPECT_EQ(to_utf32(text), all);
  EXPECT_EQ(count_code_points(text), all.size());
}

TEST(Normalize, ComposesAndDecomposes) {
  EXPECT_EQ(normalize("e\u0301", NormalizationForm::nfc), "\u00E9");
  EXPECT_EQ(normalize("\u00E9", NormalizationForm::nfd), "e\u0301");
  EXPECT_EQ(normalize("\uFB01 \u00B2", NormalizationForm::nfkc), "fi 2");
  EXPECT_EQ(normalize("\uAC00", NormalizationForm::nfd), "\u1100\u1161");
  EXPECT_EQ(normalize("\u1100\u1161\u11A8", NormalizationForm::nfc), "\uAC01");
  EXPECT_EQ(normalize("\u1E9B\u0323", NormalizationForm::nfkd), "s\u0323\u0307");
}

TEST(Normalize, OrdersMarksStably) {
  EXPECT_EQ(normalize("a\u0301\u0316\u0300", NormalizationForm::nfd), "a\u0316\u0301\u0300");
  EXPECT_EQ(normalize("a\u0316\u0301", NormalizationForm::nfc), "\u00E1\u0316");
}

TEST(Normalize, TakesLongRunsOfMarksInLittleTime) {
  std::string marks = "a";
  for (int i = 0; i < 200000; ++i) marks += "\u0301\u0316";
  const auto result = normalize(marks, NormalizationForm::nfd);
  EXPECT_EQ(result.size(), marks.size());
  EXPECT_EQ(result.substr(0, 5), "a\u0316\u0316");
}

TEST(Lowercase, TakesEveryCodePointByItself) {
  EXPECT_EQ(lowercase("ABC \u00C9\u0178"), "abc \u00E9\u00FF");
  EXPECT_EQ(lowercase("\u039F\u0394\u039F\u03A3"), "\u03BF\u03B4\u03BF\u03C3");
  EXPECT_EQ(lowercase("\u0130"), "i\u0307");
}

TEST(Lowercase, KnowsTheFinalSigma) {
  EXPECT_EQ(lowercase_in_context("\u039F\u0394\u039F\u03A3"), "\u03BF\u03B4\u03BF\u03C2");
  EXPECT_EQ(lowercase_in_context("\u03A3"), "\u03C3");                          // no letter before it
  EXPECT_EQ(lowercase_in_context("\u0391\u03A3\u0391"), "\u03B1\u03C3\u03B1");  // a letter behind it
  EXPECT_EQ(lowercase_in_context("\u0391.\u03A3."), "\u03B1.\u03C2.");          // a full stop is ignored
  EXPECT_EQ(lowercase_in_context("\u0391 \u03A3"), "\u03B1 \u03C3");            // a space is not
  EXPECT_EQ(lowercase_in_context("\u0391\u03A3\u03A3"), "\u03B1\u03C3\u03C2");
}

TEST(Space, CollapsesAndStrips) {
  EXPECT_EQ(collapse_python_space(" a \t\r\n b\u00A0\u3000c\x1F"), "a b c");
  EXPECT_EQ(collapse_python_space("\u200B\u180E"), "\u200B\u180E");
  EXPECT_EQ(strip("\u2003x ", is_white_space), "x");
  EXPECT_EQ(strip("\x1Cx", is_white_space), "\x1Cx");
  EXPECT_EQ(strip("  ", is_white_space), "");
}

}  // namespace
}  // namespace beeld
