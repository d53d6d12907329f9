#include "text/unicode/regex.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include "tests/support/expect_error.h"

namespace beeld {
namespace {

std::vector<std::string> words(const Regex& regex, std::string_view text) {
  std::vector<std::string> result;
  for (const auto& span : regex.find_all(text)) {
    result.emplace_back(text.substr(span.begin, span.end - span.begin));
  }
  return result;
}

TEST(Regex, FindsWordsOfUnicodeText) {
  const Regex clip(R"('s|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+)");
  EXPECT_EQ(words(clip, "it's caf\u00E9 42 \u65E5!?"),
            (std::vector<std::string>{"it", "'s", "caf\u00E9", "4", "2", "\u65E5", "!?"}));
}

TEST(Regex, HasOnigurumasShorthands) {
  EXPECT_TRUE(Regex(R"(^\s$)").contains("\u00A0"));
  EXPECT_FALSE(Regex(R"(^\s$)").contains("\u180E"));
  EXPECT_FALSE(Regex(R"(^\s$)").contains("\x1C"));
  EXPECT_TRUE(Regex(R"(^[\s]$)").contains("\u3000"));
  EXPECT_TRUE(Regex(R"(^\S$)").contains("\u180E"));
  EXPECT_TRUE(Regex(R"(^\w\w$)").contains("a\u0301"));
  EXPECT_TRUE(Regex(R"(^\h$)").contains("f"));
  EXPECT_EQ(words(Regex(R"([\]\[a-])"), "[-]b"), (std::vector<std::string>{"[", "-", "]"}));
}

TEST(Regex, IgnoresCaseWithUnicodesFolding) {
  const Regex s("'s", Case::insensitive);
  EXPECT_TRUE(s.contains("'S"));
  EXPECT_TRUE(s.contains("'\u017F"));
}

TEST(Regex, StepsOverEmptyMatches) {
  EXPECT_EQ(Regex("x*").find_all("a\u00E9x").size(), 4u);
  EXPECT_EQ(Regex("").find_all("").size(), 1u);
}

TEST(Regex, ReplacesLiterally) { EXPECT_EQ(Regex("b+").replace_all("abbcb", "$1\\"), "a$1\\c$1\\"); }

TEST(Regex, RefusesWhatItCannotRead) {
  testing::expect_error(ErrorCode::corrupt, "missing closing parenthesis", [&] { Regex("(a"); });
  testing::expect_error(ErrorCode::unsupported, "intersections of classes", [&] { Regex("[a&&b]"); });
  testing::expect_error(ErrorCode::unsupported, "longer than 65536 bytes",
                        [&] { Regex(std::string(100000, 'a')); });
}

TEST(Regex, GivesUpOnEndlessBacktracking) {
  const Regex catastrophe("(a+)+$");
  try {
    static_cast<void>(catastrophe.find_all(std::string(60, 'a') + "b"));
    FAIL() << "no limit";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::limit);
  }
}

}  // namespace
}  // namespace beeld
