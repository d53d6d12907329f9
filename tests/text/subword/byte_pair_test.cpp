#include "text/subword/byte_pair.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/support/expect_error.h"

namespace beeld {
namespace {

using Ids = std::vector<std::int32_t>;

/// The definition: join all occurrences of the pair that stands first in the list, until none is in it.
std::vector<std::string> join_by_definition(std::vector<std::string> symbols, const Merges& merges) {
  std::map<std::pair<std::string, std::string>, std::size_t> ranks;
  for (std::size_t i = 0; i < merges.size(); ++i) ranks[merges[i]] = i;
  while (true) {
    auto best = ranks.end();
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto it = ranks.find({symbols[i], symbols[i + 1]});
      if (it != ranks.end() && (best == ranks.end() || it->second < best->second)) best = it;
    }
    if (best == ranks.end()) return symbols;
    std::vector<std::string> joined;
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      const bool match =
          i + 1 < symbols.size() && symbols[i] == best->first.first && symbols[i + 1] == best->first.second;
      joined.push_back(match ? symbols[i] + symbols[i + 1] : symbols[i]);
      if (match) ++i;
    }
    symbols = joined;
  }
}

/// Merges as training makes them: every pair joins symbols that exist by then.
Merges random_merges(std::mt19937& random, std::vector<std::string>& pieces) {
  Merges merges;
  while (merges.size() < 40) {
    const auto left = pieces[random() % pieces.size()];
    const auto right = pieces[random() % pieces.size()];
    const bool known = std::find(pieces.begin(), pieces.end(), left + right) != pieces.end();
    if (known || left.ends_with("</w>") || left.size() + right.size() > 8) continue;
    merges.emplace_back(left, right);
    pieces.push_back(left + right);
  }
  return merges;
}

TEST(BytePair, FollowsTheDefinition) {
  std::mt19937 random(7);
  for (int round = 0; round < 30; ++round) {
    std::vector<std::string> pieces = {"a", "b", "c", "a</w>", "b</w>", "c</w>"};
    const auto merges = random_merges(random, pieces);
    const auto vocabulary = Vocabulary::from_list(pieces, "test");
    const BytePairModel model(vocabulary, merges, {.end_suffix = "</w>"});
    for (int i = 0; i < 50; ++i) {
      std::vector<std::string> symbols;
      std::string word;
      for (auto length = 1 + random() % 40; length > 0; --length) {
        symbols.emplace_back(1, static_cast<char>('a' + random() % 3));
        word += symbols.back();
      }
      symbols.back() += "</w>";
      Ids wanted;
      for (const auto& symbol : join_by_definition(symbols, merges))
        wanted.push_back(vocabulary.find(symbol));
      Ids ids;
      model.encode(word, ids);
      ASSERT_EQ(ids, wanted) << word;
    }
  }
}

Ids encode(const BytePairModel& model, std::string_view word) {
  Ids ids;
  model.encode(word, ids);
  return ids;
}

TEST(BytePair, HandlesUnknownCharacters) {
  const auto vocabulary = Vocabulary::from_list({"<unk>", "a", "<0xC3>", "<0xA9>"}, "test");
  EXPECT_EQ(encode({vocabulary, {}, {}}, "axya"), (Ids{1, 1}));
  EXPECT_EQ(encode({vocabulary, {}, {.unknown = "<unk>"}}, "axya"), (Ids{1, 0, 0, 1}));
  EXPECT_EQ(encode({vocabulary, {}, {.unknown = "<unk>", .fuse_unknown = true}}, "axya"), (Ids{1, 0, 1}));
  EXPECT_EQ(encode({vocabulary, {}, {.unknown = "<unk>", .byte_fallback = true}}, "\u00E9x"), (Ids{2, 3, 0}));
}

TEST(BytePair, MayIgnoreMerges) {
  const auto vocabulary = Vocabulary::from_list({"a", "b", "ab"}, "test");
  EXPECT_EQ(encode({vocabulary, {}, {}}, "ab"), (Ids{0, 1}));
  EXPECT_EQ(encode({vocabulary, {}, {.ignore_merges = true}}, "ab"), (Ids{2}));
}

TEST(BytePair, TakesAMegabyteInOneWord) {
  const auto vocabulary = Vocabulary::from_list({"a", "aa", "aaaa"}, "test");
  const BytePairModel model(vocabulary, {{"a", "a"}, {"aa", "aa"}}, {});
  EXPECT_EQ(encode(model, std::string(1 << 20, 'a')), Ids(1 << 18, 2));
}

TEST(BytePair, RefusesMergesOfUnknownPieces) {
  const auto vocabulary = Vocabulary::from_list({"a", "b"}, "test");
  testing::expect_error(ErrorCode::corrupt, "has no piece \"x\"", [&] {
    BytePairModel(vocabulary, {{"a", "x"}}, {});
  });
  testing::expect_error(ErrorCode::corrupt, "has no piece \"ab\"", [&] {
    BytePairModel(vocabulary, {{"a", "b"}}, {});
  });
  testing::expect_error(ErrorCode::corrupt, "has no piece \"x\"",
                        [&] { BytePairModel(vocabulary, {}, {.unknown = "x"}); });
  testing::expect_error(ErrorCode::corrupt, "\"b\" lacks the continuing prefix", [&] {
    BytePairModel(vocabulary, {{"a", "b"}}, {.continuing_prefix = "##"});
  });
}

}  // namespace
}  // namespace beeld
