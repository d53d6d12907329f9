#include "text/cleaning/html.h"

#include <gtest/gtest.h>

namespace beeld {
namespace {

// Expected values: Python 3.11, html.unescape().
TEST(Html, DecodesNamedReferences) {
  EXPECT_EQ(unescape_html("&lt;b&gt; &amp;amp; &eacute;"), "<b> &amp; \u00E9");
  EXPECT_EQ(unescape_html("&notit; &notin; &NotEqualTilde;"), "\u00ACit; \u2209 \u2242\u0338");
  EXPECT_EQ(unescape_html("&ampx &AMP &am &; & &&lt"), "&x & &am &; & &<");
  EXPECT_EQ(unescape_html("&CounterClockwiseContourIntegral;"), "\u2233");
}

TEST(Html, DecodesNumericReferences) {
  EXPECT_EQ(unescape_html("&#65;&#x41;&#X41&#65x"), "AAAAx");
  EXPECT_EQ(unescape_html("&#0;&#xD800;&#x110000;&#99999999999999999999;"), "\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(unescape_html("&#128;&#x9F;&#129;&#13;"), "\u20AC\u0178\u0081\r");
  EXPECT_EQ(unescape_html("a&#1;&#11;&#127;&#xFFFE;&#xFDD0;&#x1FFFF;b"), "ab");
  EXPECT_EQ(unescape_html("&#;&#x;&#xg;&#12;"), "&#;&#x;&#xg;\f");
}

TEST(Html, KnowsNamesInCapitals) {
  EXPECT_EQ(html_entity("NTILDE;"), "\u00D1");
  EXPECT_EQ(html_entity("SZLIG;"), "SS");
  EXPECT_EQ(html_entity("eacute;"), "\u00E9");
  EXPECT_EQ(html_entity("nTILDE;"), std::nullopt);
  EXPECT_EQ(html_entity("eacute"), std::nullopt);
  EXPECT_EQ(html_entity("LTCC;"), std::nullopt);  // begins with &LT, which needs no semicolon
}

}  // namespace
}  // namespace beeld
