#include "multimodal/search/query.h"

#include <beeld/error.h>
#include <beeld/tokenizer.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <random>

#include "multimodal/search/query_path.h"
#include "multimodal/search/query_remarks.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace beeld::testing {

namespace fs = std::filesystem;

constexpr auto text = QueryTerm::Kind::text;
constexpr auto picture = QueryTerm::Kind::picture;
using Terms = std::vector<QueryTerm>;

class QueryTest : public ::testing::Test {
 protected:
  QueryTest() : before_(fs::current_path()) {
    for (const char* name : {"sunset.jpg", "my-photo.jpg", "a - b.jpg", "-x.jpg", "2*y.jpg"})
      std::ofstream(folder_ / name) << "x";
    fs::create_directory(folder_ / "album");
    fs::current_path(folder_.path());
  }
  ~QueryTest() override { fs::current_path(before_); }

  static void expect_text(const std::string& expression) {
    EXPECT_EQ(parse_query(expression), (Terms{{1, text, expression}})) << expression;
  }

  static std::string error_of(const std::string& expression) {
    try {
      parse_query(expression);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      return error.what();
    }
    ADD_FAILURE() << expression << " was accepted";
    return "";
  }

 private:
  TemporaryFolder folder_;
  fs::path before_;
};

TEST_F(QueryTest, ASentenceIsOneText) {
  for (const char* sentence :
       {"two dogs in the snow", "t-shirt", "black + white photo", "-dogs", "2*dogs",
        "he said \"hello\" to me", "a 12\" record", "1e999 * big", "C++", "inf", "+", "-", "* star",
        "rock 'n' roll", "caf\xc3\xa9", "album", "snow -people", "\xff\xfe"})
    expect_text(sentence);
  EXPECT_EQ(parse_query("  dogs \n"), (Terms{{1, text, "dogs"}}));
}

TEST_F(QueryTest, AFileIsAPicture) {
  for (const char* name :
       {"sunset.jpg", "my-photo.jpg", "a - b.jpg", "-x.jpg", "2*y.jpg", "./album/../sunset.jpg"})
    EXPECT_EQ(parse_query(name), (Terms{{1, picture, name}}));
  expect_text(std::string("sunset.jpg\0more", 15));
}

TEST_F(QueryTest, SumsOfTextsAndPictures) {
  EXPECT_EQ(parse_query("\"beach\" + sunset.jpg - 0.5*\"people\""),
            (Terms{{1, text, "beach"}, {1, picture, "sunset.jpg"}, {-0.5, text, "people"}}));
  EXPECT_EQ(parse_query("2 * \"snow\""), (Terms{{2, text, "snow"}}));
  EXPECT_EQ(parse_query("- \"people\" + 1e1*sunset.jpg"),
            (Terms{{-1, text, "people"}, {10, picture, "sunset.jpg"}}));
  EXPECT_EQ(parse_query("\"a\"-\"b\"+\"c\""), (Terms{{1, text, "a"}, {-1, text, "b"}, {1, text, "c"}}));
  EXPECT_EQ(parse_query("sunset.jpg -my-photo.jpg"),
            (Terms{{1, picture, "sunset.jpg"}, {-1, picture, "my-photo.jpg"}}));
  EXPECT_EQ(parse_query("sunset.jpg-\"people\""), (Terms{{1, picture, "sunset.jpg"}, {-1, text, "people"}}));
  EXPECT_EQ(parse_query("\"snow\" + a - b.jpg - \"c\""),
            (Terms{{1, text, "snow"}, {1, picture, "a - b.jpg"}, {-1, text, "c"}}));
  EXPECT_EQ(parse_query("3*sunset.jpg"), (Terms{{3, picture, "sunset.jpg"}}));
}

TEST_F(QueryTest, AWeightMakesASumOfWordsWithoutQuotes) {
  EXPECT_EQ(parse_query("2*snow + mountain"), (Terms{{2, text, "snow"}, {1, text, "mountain"}}));
  EXPECT_EQ(parse_query("a red boat -  0.5 * two people"),
            (Terms{{1, text, "a red boat"}, {-0.5, text, "two people"}}));
  EXPECT_EQ(parse_query("3*t-shirt + 1e1*sea"), (Terms{{3, text, "t-shirt"}, {10, text, "sea"}}));
  for (const char* one_text : {"beach - people", "2*snow +mountain", "2*snow + ", "x * y + z", "nan*x + y"})
    EXPECT_EQ(parse_query(one_text), (Terms{{1, text, std::string(without_blanks_around(one_text))}}));
  EXPECT_NE(error_of("2*snow + missing.jpg").find("missing.jpg"), std::string::npos);
}

TEST_F(QueryTest, WhatCanOnlyBeAPathMustBeThere) {
  for (const char* path : {"missing.jpg", "./missing.jpg", "/nowhere/IMG_1.JPG", "./my photo.jpg", "~/x",
                           "../boat", "album/x.PNG", "file:///nowhere/x.jpg"})
    EXPECT_NE(error_of(path).find("is no file"), std::string::npos) << path;
  EXPECT_NE(error_of("./album").find("but a folder"), std::string::npos);
  for (const char* words : {"cats/dogs", "a photo called x.jpg", "/", "jpg", "and/or", "e.g. a boat"})
    expect_text(words);
  EXPECT_EQ(parse_query("\"missing.jpg\""), (Terms{{1, text, "missing.jpg"}}));
}

TEST_F(QueryTest, AddressesAreOfFilesAndOfTheWeb) {
  const auto here = fs::current_path().string();
  EXPECT_EQ(parse_query("file://" + here + "/a%20-%20b.jpg"), (Terms{{1, picture, here + "/a - b.jpg"}}));
  EXPECT_EQ(parse_query("\"sea\" - FILE://localhost" + here + "/sunset.jpg"),
            (Terms{{1, text, "sea"}, {-1, picture, here + "/sunset.jpg"}}));
  EXPECT_NE(error_of("file://elsewhere/sunset.jpg").find("another machine"), std::string::npos);
  EXPECT_NE(error_of("file:///a%2").find("hexadecimal"), std::string::npos);
  EXPECT_NE(error_of("file:///a%00b").find("hexadecimal"), std::string::npos);
  const auto address = QueryTerm::Kind::address;
  EXPECT_EQ(parse_query("https://example.org/a-b+c.jpg?x=1 - 2*\"people\""),
            (Terms{{1, address, "https://example.org/a-b+c.jpg?x=1"}, {-2, text, "people"}}));
  expect_error(ErrorCode::unsupported, "pictures are not fetched here", [] {
    embed_query(parse_query("http://example.org/a.jpg"), {.texts = {}, .picture = {}}, {});
  });
}

TEST_F(QueryTest, AWordStaysOneBesideAFileThatIsNoPicture) {
  std::ofstream("boat") << "notes";
  std::ofstream("ship", std::ios::binary) << "P5\n1 1\n255\n!";
  expect_text("boat");
  EXPECT_EQ(parse_query("ship"), (Terms{{1, picture, "ship"}}));
  EXPECT_EQ(parse_query("\"ship\""), (Terms{{1, text, "ship"}}));
}

TEST_F(QueryTest, RemarksTellWhatMayBeMeantOtherwise) {
  std::ofstream("boat") << "notes";
  std::ofstream("ship", std::ios::binary) << "P5\n1 1\n255\n!";
  const auto remarks = [](const std::string& expression) {
    std::string all;
    for (const auto& remark : query_remarks(expression, parse_query(expression), nullptr))
      all += remark + "\n";
    return all;
  };
  const std::pair<const char*, const char*> cases[] = {
      {"beach - people", "'\"beach\" - \"people\"'"},
      {"black + white photo", "'\"black\" + \"white photo\"'"},
      {"-a dog", "'-\"a dog\"'"},
      {"2*dogs", "'2*\"dogs\"'"},
      {"album", "a folder of that name"},
      {"boat", "the file of that name is no picture"},
      {"ship", "the word is written '\"ship\"'"},
      {"a photo called x.jpg", "there is no such file"}};
  for (const auto& [expression, part] : cases)
    EXPECT_NE(remarks(expression).find(part), std::string::npos) << expression << ": " << remarks(expression);
  for (const char* clear :
       {"two dogs", "t-shirt", "\"a\" - \"b\"", "sunset.jpg", "2*snow + sea", "\"album\"", "+", "C++"})
    EXPECT_EQ(remarks(clear), "") << clear;
}

/// Knows the letters of ASCII and those from U+00C0 to U+00FF; all else is token 0.
class LatinTokenizer : public Tokenizer {
 public:
  std::vector<std::int32_t> encode_full(std::string_view bytes) const override {
    std::vector<std::int32_t> ids = {1};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const auto byte = static_cast<unsigned char>(bytes[i]);
      if (byte < 0x80 || byte == 0xC3)
        ids.push_back(byte == 0xC3 ? 1000 + static_cast<unsigned char>(bytes[++i]) : byte);
      else if (byte >= 0xC0)
        ids.push_back(0);
    }
    return ids;
  }
  std::unique_ptr<TextStream> start_decoding(const TextDecoding&) const override { return nullptr; }
  std::int32_t pad_id() const override { return 1; }
  std::size_t vocabulary_size() const override { return 2000; }
};

TEST_F(QueryTest, WhatATokenizerDoesNotKnowIsCounted) {
  const LatinTokenizer tokenizer;
  EXPECT_EQ(unknown_part(tokenizer, ""), 0);
  EXPECT_EQ(unknown_part(tokenizer, "a boat, 12 + 3"), 0);
  EXPECT_EQ(unknown_part(tokenizer, "caf\xc3\xa9"), 0);
  EXPECT_EQ(unknown_part(tokenizer, "\xe7\xba\xa2\xe8\x89\xb2"), 1);
  EXPECT_EQ(unknown_part(tokenizer, "a b \xe7\xba\xa2\xe8\x89\xb2"), 0.5);
  EXPECT_EQ(unknown_part(tokenizer, "\xff\xfe"), 0);
  const auto remarks = query_remarks("\xf0\x9f\x9a\xa4", {{1, text, "\xf0\x9f\x9a\xa4"}}, &tokenizer);
  ASSERT_EQ(remarks.size(), 1u);
  EXPECT_NE(remarks[0].find("does not know most characters"), std::string::npos);
}

TEST_F(QueryTest, QuotesAndBackslashes) {
  EXPECT_EQ(parse_query(R"("say \"hi\" - \\ now" + "x\y")"),
            (Terms{{1, text, R"(say "hi" - \ now)"}, {1, text, R"(x\y)"}}));
}

TEST_F(QueryTest, WhatIsClearlyAnExpressionMustBeRight) {
  EXPECT_NE(error_of("\"a\" +").find("character 6"), std::string::npos);
  EXPECT_NE(error_of("\"a\" \"b\"").find("character 5"), std::string::npos);
  EXPECT_NE(error_of("\"a\" + people").find("character 7"), std::string::npos);
  EXPECT_NE(error_of("\"a").find("character 1"), std::string::npos);
  EXPECT_NE(error_of("people - \"a\"").find("character 1"), std::string::npos);
  EXPECT_NE(error_of("people - 2*\"a\"").find("people"), std::string::npos);
  for (const char* wrong :
       {"\"a\" + + \"b\"", "\"a\" + - \"b\"", "\"\"", "\" \"", "1e999*\"a\"", "inf*\"a\"", "nan*\"a\"",
        "--\"a\"", "\"a\" + -1*\"b\"", "2*\"a\"x", "sunset.jpg + people", "", " \t", "\"a\" + album"})
    error_of(wrong);
}

TEST_F(QueryTest, AnyBytesGiveTermsOrAnError) {
  std::mt19937 random(5);
  const std::string alphabet = "\"\\+-*. 0129ae\n\xff/sunset.jpg";
  for (int round = 0; round < 20000; ++round) {
    std::string expression;
    for (auto length = random() % 24; length > 0; --length)
      expression += alphabet[random() % alphabet.size()];
    try {
      for (const auto& term : parse_query(expression)) {
        EXPECT_TRUE(std::isfinite(term.weight));
        EXPECT_FALSE(term.value.empty());
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    }
  }
  expect_error(ErrorCode::limit, "1048576 characters", [&] { parse_query(std::string(1 << 20, '+')); });
  EXPECT_NO_THROW(parse_query(std::string(60000, '+')));
}

/// Texts point along an axis each: "x", "y" and "z", and "2x" is x with another length.
QueryEncoder axes() {
  return {[](std::span<const std::string> texts) {
            Matrix rows(texts.size(), 3);
            for (std::size_t i = 0; i < texts.size(); ++i)
              rows[i][static_cast<std::size_t>(texts[i].back() - 'x')] = texts[i].size() > 1 ? 7.0F : 2.0F;
            return rows;
          },
          [](const fs::path&) {
            return std::vector<float>{0, 0, -3};
          }};
}

TEST_F(QueryTest, TheEmbeddingIsTheUnitSumOfUnitOperands) {
  const auto embed = [](const std::string& expression, const std::vector<std::string>& templates = {}) {
    return embed_query(parse_query(expression), axes(), templates);
  };
  EXPECT_EQ(embed("2x"), (std::vector<float>{1, 0, 0}));
  const float half = std::sqrt(0.5F);
  EXPECT_EQ(embed("\"x\" + \"y\""), (std::vector<float>{half, half, 0}));
  const auto sum = embed("2*\"2x\" - \"y\" + 2*sunset.jpg");
  EXPECT_FLOAT_EQ(sum[0], 2.0F / 3);
  EXPECT_FLOAT_EQ(sum[1], -1.0F / 3);
  EXPECT_FLOAT_EQ(sum[2], -2.0F / 3);

  // The prompts "x" (twice) and "my y" and their mean (2, 1, 0) / 3.
  const auto mean = embed("x", {"{}", "my {}", "{} y"});
  EXPECT_FLOAT_EQ(mean[0], 2 / std::sqrt(5.0F));
  EXPECT_FLOAT_EQ(mean[1], 1 / std::sqrt(5.0F));
  EXPECT_EQ(embed("sunset.jpg", {"{} y"}), (std::vector<float>{0, 0, -1}));

  for (const char* nothing : {"\"x\" - \"2x\"", "0*\"x\"", "\"z\" + sunset.jpg"})
    expect_error(ErrorCode::invalid_argument, "the operands cancel each other", [&] { embed(nothing); });
  expect_error(ErrorCode::invalid_argument, "expected {} in every template, got \"no place\"",
               [&] { embed("x", {"no place"}); });
}

}  // namespace beeld::testing
