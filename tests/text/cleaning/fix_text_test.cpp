#include "text/cleaning/fix_text.h"

#include <gtest/gtest.h>

#include "text/cleaning/cleaning.h"
#include "text/unicode/utf8.h"

namespace beeld {
namespace {

/// `text` as UTF-8 read as Latin-1.
std::string misread(const std::string& text) {
  std::string result;
  for (const char c : text) append_utf8(result, static_cast<unsigned char>(c));
  return result;
}

TEST(FixText, LeavesGoodTextAlone) {
  for (const char* text :
       {"a photo of a cat", "caf\u00E9 na\u00EFve", "\u65E5\u672C\u8A9E", "\u0440\u0443\u0441",
        "I'm not such a fan of Charlotte Bront\u00EB\u2026", "(\u00F2_\u00F3)"}) {
    std::string straight = text;
    EXPECT_EQ(fix_text(text), straight);
  }
}

TEST(FixText, RepairsMisreadUtf8) {
  EXPECT_EQ(fix_text("\u00E2\u0153\u201D No problems"), "\u2714 No problems");
  EXPECT_EQ(fix_text("s\u00C3\u00B3"), "s\u00F3");
  EXPECT_EQ(fix_text("l\u00E2\u20AC\u2122humanit\u00C3\u00A9"), "l'humanit\u00E9");
  EXPECT_EQ(fix_text("\u00F0\u0178\u02DC\u20AC"), "\U0001F600");
  EXPECT_EQ(fix_text("\u0420\u00B0\u0420\u00B1\u0420\u0406"), "\u0430\u0431\u0432");  // Windows-1251
}

TEST(FixText, RepairsTextMisreadSeveralTimes) {
  const std::string good = "El Ni\u00F1o, ma\u00F1ana: \u00A1ol\u00E9!";
  std::string bad = good;
  for (int i = 0; i < 3; ++i) bad = misread(bad);
  EXPECT_EQ(fix_text(bad), good);
}

TEST(FixText, RestoresLostNoBreakSpaces) {
  EXPECT_EQ(fix_text("voil\u00C3 le travail"), "voil\u00E0 le travail");
  EXPECT_EQ(fix_text("\u00C3 la mode"), "\u00E0 la mode");
}

TEST(FixText, RepairsWhatWasPartlyLost) {
  EXPECT_EQ(fix_text("\u00E2\u20AC\u0153 like this \u00E2\u20AC\uFFFD"), "\" like this \uFFFD");
}

TEST(FixText, RepairsMisreadPartsOfMixedText) {
  EXPECT_EQ(fix_text("\u65E5\u672C \u00E2\u20AC\u201C \u00C3\u00A9t\u00C3\u00A9 l\u00C3\u00A0"),
            "\u65E5\u672C \u2013 \u00E9t\u00E9 l\u00E0");
}

TEST(FixText, DecodesSurrogatePairsOfThreeBytes) {
  EXPECT_EQ(fix_text(misread("\xED\xA0\xBD\xED\xB8\x80 \xC3\xA9")), "\U0001F600 \u00E9");
}

TEST(FixText, ReplacesSingleCharacters) {
  EXPECT_EQ(fix_text("\u201Ccurly\u201D \u2018quotes\u2019 \u02BC"), "\"curly\" 'quotes' '");
  EXPECT_EQ(fix_text("\uFB02uffy \u01C6 \u0132 \u0149"), "fluffy d\u017E IJ 'n");
  EXPECT_EQ(fix_text("\uFF2C\uFF2F\uFF35\uFF24\u3000\uFF76\uFF9E"), "LOUD \u30AC");
  EXPECT_EQ(fix_text("a\r\nb\rc\u2028d\u2029e"), "a\nb\nc\nd\ne");
  EXPECT_EQ(fix_text("\u0085 \u0093q\u0094"), "\u2026 \"q\"");
  EXPECT_EQ(fix_text("\x1B[36;44mblue\x1B[0m\x07 \uFEFF\uFFFC\u206A"), "blue ");
  EXPECT_EQ(fix_text("e\u0301"), "\u00E9");
}

TEST(FixText, DecodesEntitiesOnlyOutsideOfHtml) {
  EXPECT_EQ(fix_text("&amp;lt; &hellip; &NTILDE; &#233; &notone &amp"),
            "< \u2026 \u00D1 \u00E9 &notone &amp");
  EXPECT_EQ(fix_text("&#59;"), "&#59;");
  EXPECT_EQ(fix_text("<b>&amp;</b>"), "<b>&amp;</b>");
  EXPECT_EQ(fix_text("&lt;\n<i>\n&lt;"), "<\n<i>\n&lt;");  // HTML stays HTML to its end
}

TEST(Cleaning, HasThreeKinds) {
  const std::string text = "  A_B \u201CC\u201D &amp;amp; D.\t\u039F\u03A3 ";
  EXPECT_EQ(clean(text, Cleaning::whitespace), "A_B \"C\" & D. \u039F\u03A3");
  EXPECT_EQ(clean(text, Cleaning::lower), "a_b \"c\" & d. \u03BF\u03C2");
  EXPECT_EQ(clean(text, Cleaning::canonicalize), "a b c d \u03BF\u03C2");
}

TEST(Cleaning, TakesLongTextsInLittleTime) {
  const std::size_t length = 300000;
  for (const char* unit : {"a", "&", "&a", "<", " ", "\u00C3", "\u00C3\u00A9", "\u00C3\u00A9 \u65E5",
                           "\u0085", "\u03A3.", "\x1B[", "\u00E2\u20AC\u0153", "a\u0301\u0316", "\xFF"}) {
    std::string text;
    while (text.size() < length) text += unit;
    EXPECT_LE(clean(text, Cleaning::lower).size(), 3 * length) << unit;
  }
}

}  // namespace
}  // namespace beeld
