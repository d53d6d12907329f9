#include <beeld/error.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/support/expect_error.h"
#include "text/subword/unigram.h"
#include "text/subword/word_piece.h"
#include "text/unicode/charsmap.h"

namespace beeld {
namespace {

using Ids = std::vector<std::int32_t>;

Ids encode(const WordModel& model, std::string_view word) {
  Ids ids;
  model.encode(word, ids);
  return ids;
}

TEST(WordPiece, TakesTheLongestPieces) {
  const WordPieceModel model(Vocabulary::from_list({"[UNK]", "un", "##aff", "##able", "##a", "##f"}, "test"),
                             {});
  EXPECT_EQ(encode(model, "unaffable"), (Ids{1, 2, 3}));
  EXPECT_EQ(encode(model, "unaf"), (Ids{1, 4, 5}));
  EXPECT_EQ(encode(model, "unaffably"), (Ids{0}));
  EXPECT_EQ(encode(model, ""), (Ids{}));
}

TEST(WordPiece, GivesUpOnLongWords) {
  const WordPieceModel model(Vocabulary::from_list({"[UNK]", "\u00E9", "##\u00E9"}, "test"), {});
  std::string word;
  for (int i = 0; i < 100; ++i) word += "\u00E9";
  EXPECT_EQ(encode(model, word).size(), 100u);
  EXPECT_EQ(encode(model, word + "\u00E9"), (Ids{0}));
}

/// The best sum of scores by trying every segmentation.
double best_score(const std::vector<UnigramPiece>& pieces, std::string_view word) {
  if (word.empty()) return 0;
  double best = -1e9;
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    if (word.starts_with(pieces[i].text)) {
      best = std::max(best, pieces[i].score + best_score(pieces, word.substr(pieces[i].text.size())));
    }
  }
  return best;
}

TEST(Unigram, FindsTheBestSegmentation) {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> score(-9, -1);
  std::vector<UnigramPiece> pieces = {{"<unk>", 0}};
  for (const char* text : {"a", "b", "ab", "ba", "aab", "bb", "abba"})
    pieces.push_back({text, score(random)});
  const UnigramModel model(pieces, 0, UnknownCharacters::unknown_piece, "test");
  for (int i = 0; i < 200; ++i) {
    std::string word;
    for (auto length = random() % 12; length > 0; --length) word += static_cast<char>('a' + random() % 2);
    double sum = 0;
    std::string joined;
    for (const auto id : encode(model, word)) {
      sum += pieces[static_cast<std::size_t>(id)].score;
      joined += pieces[static_cast<std::size_t>(id)].text;
    }
    EXPECT_EQ(joined, word);
    EXPECT_NEAR(sum, best_score(pieces, word), 1e-9) << word;
  }
}

TEST(Unigram, JoinsUnknownCharacters) {
  const std::vector<UnigramPiece> pieces = {{"<unk>", 0}, {"a", -1}, {"<0xC3>", -2}, {"<0xA9>", -2}};
  const UnigramModel unknown(pieces, 0, UnknownCharacters::unknown_piece, "test");
  EXPECT_EQ(encode(unknown, "xya\u00E9"), (Ids{0, 1, 0}));
  const UnigramModel bytes(pieces, 0, UnknownCharacters::bytes, "test");
  EXPECT_EQ(encode(bytes, "a\u00E9"), (Ids{1, 2, 3}));
  EXPECT_EQ(encode(bytes, "xa"), (Ids{0, 1}));
}

TEST(Unigram, RefusesBadPieces) {
  const auto make = [](const std::vector<UnigramPiece>& pieces, std::size_t unknown) {
    UnigramModel(pieces, unknown, UnknownCharacters::unknown_piece, "test");
  };
  testing::expect_error(ErrorCode::corrupt, "the unknown id 1 is not below the 1 pieces", [&] {
    make({{"a", 0}}, 1);
  });
  testing::expect_error(ErrorCode::corrupt, "the unknown id 0 is not below the 0 pieces",
                        [&] { make({}, 0); });
  testing::expect_error(ErrorCode::corrupt, "\"a\" is there twice", [&] { make({{"a", 0}, {"a", 0}}, 0); });
  testing::expect_error(ErrorCode::corrupt, "piece 0 has no score", [&] { make({{"a", NAN}}, 0); });
}

TEST(Charsmap, ChecksEveryUnit) {
  testing::expect_error(ErrorCode::corrupt, "shorter than its header", [&] { Charsmap("", "test"); });
  testing::expect_error(ErrorCode::corrupt, "a trie of 8 bytes",
                        [&] { Charsmap(std::string("\x08\x00\x00\x00\x00\x00", 6), "test"); });
  std::string blob("\x00\x04\x00\x00", 4);  // 256 units
  blob.resize(4 + 1024);
  EXPECT_EQ(Charsmap(blob, "test").normalize("abc"), "abc");
  blob[4 + 2] = '\x7F';  // the first unit leads far away
  testing::expect_error(ErrorCode::corrupt, "unit 0 leads outside", [&] { Charsmap(blob, "test"); });
}

TEST(Charsmap, ReadsBase64) {
  EXPECT_EQ(decode_base64("aGVsbG8=", "test"), "hello");
  testing::expect_error(ErrorCode::corrupt, "not base64", [&] { decode_base64("a*b", "test"); });
}

TEST(Vocabulary, KeepsPiecesAndIdsApart) {
  Vocabulary vocabulary("test");
  vocabulary.add("a", 3);
  vocabulary.add("", 1);
  EXPECT_EQ(vocabulary.find("a"), 3);
  EXPECT_EQ(vocabulary.find("b"), Vocabulary::none);
  EXPECT_EQ(vocabulary.piece(3), "a");
  EXPECT_EQ(vocabulary.piece(2), "");
  EXPECT_FALSE(vocabulary.has_id(2));
  testing::expect_error(ErrorCode::corrupt, "the id 3 stands for two pieces",
                        [&] { vocabulary.add("b", 3); });
  testing::expect_error(ErrorCode::corrupt, "\"a\" is there twice", [&] { vocabulary.add("a", 4); });
  testing::expect_error(ErrorCode::corrupt, "the id -1 of \"c\" is not from 0",
                        [&] { vocabulary.add("c", -1); });
  testing::expect_error(ErrorCode::corrupt, "the id 1099511627776 of \"c\" is not from 0",
                        [&] { vocabulary.add("c", std::int64_t{1} << 40); });
  EXPECT_EQ(Vocabulary().find("a"), Vocabulary::none);
}

}  // namespace
}  // namespace beeld
