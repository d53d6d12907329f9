#include <beeld/tokenizer.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/shared.h"
#include "tests/support/temporary_folder.h"

namespace beeld {
namespace {

using Ids = std::vector<std::int32_t>;

nlohmann::json read(const std::filesystem::path& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

class TokenizerConformance : public ::testing::TestWithParam<const char*> {};

/// Every text of a reference case: all ids, and the ids cut and padded as the family does.
TEST_P(TokenizerConformance, GivesTheReferenceIds) {
  const auto name = std::string("conformance/") + GetParam();
  BEELD_NEED_SHARED(name);
  const auto folder = testing::shared_folder() / name;
  const auto tokenizer = load_tokenizer(folder);
  const auto rows = read(folder / "expected" / "tokens.json");
  ASSERT_GT(rows.size(), 3u);
  for (const auto& row : rows) {
    const auto text = row["text"].get<std::string>();
    const auto wanted = row["input_ids"].get<Ids>();
    EXPECT_EQ(tokenizer->encode_full(text), row["ids_full"].get<Ids>()) << text;
    auto ids = tokenizer->encode(text);
    EXPECT_LE(ids.size(), tokenizer->context_length()) << text;
    if (ids.size() < wanted.size()) ids.resize(wanted.size(), tokenizer->pad_id());
    EXPECT_EQ(ids, wanted) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(DualEncoders, TokenizerConformance,
                         ::testing::Values("clip/public", "open_clip/public", "chinese_clip/public",
                                           "siglip/public", "siglip2/public", "siglip2/public_naflex"));

class TextConformance : public ::testing::TestWithParam<const char*> {};

/// Families whose text models come later: their tokenizers are read all the same.
TEST_P(TextConformance, GivesTheReferenceIds) {
  const auto name = std::string("conformance/") + GetParam();
  BEELD_NEED_SHARED(name);
  const auto folder = testing::shared_folder() / name;
  const auto tokenizer = load_tokenizer(folder);
  std::size_t compared = 0;
  for (const auto& row : read(folder / "expected" / "tokens.json")) {
    if (!row["text"].is_string()) continue;
    const auto& wanted = row.contains("ids_full") ? row["ids_full"] : row["input_ids"];
    EXPECT_EQ(tokenizer->encode_full(row["text"].get<std::string>()), wanted.get<Ids>()) << row["text"];
    ++compared;
  }
  EXPECT_GT(compared, 3u);
}

INSTANTIATE_TEST_SUITE_P(TextModels, TextConformance,
                         ::testing::Values("bert/public", "gpt2/public", "decoder/llama/public",
                                           "decoder/phi3/public", "decoder/qwen2/public", "t5/public"));

/// A folder as older programs saved it, with the SentencePiece model alone: the slow tokenizer and
/// tokenizer.json give the same ids for every text of the case.
TEST(XlmRobertaTokenizer, ReadsItsPiecesWithoutTokenizerJson) {
  BEELD_NEED_SHARED("conformance/m_clip/public_mclip");
  const auto original = testing::shared_folder() / "conformance/m_clip/public_mclip";
  const testing::TemporaryFolder folder;
  for (const auto* name : {"sentencepiece.bpe.model", "tokenizer_config.json", "special_tokens_map.json"})
    std::filesystem::copy(original / name, folder / name);
  const auto pieces = load_tokenizer(folder.path()), fast = load_tokenizer(original);
  EXPECT_EQ(pieces->vocabulary_size(), fast->vocabulary_size());
  EXPECT_EQ(pieces->pad_id(), 1);
  for (const auto& row : read(original / "expected" / "tokens.json")) {
    const auto text = row["text"].get<std::string>();
    const auto ids = pieces->encode_full(text);
    EXPECT_EQ(ids, row["input_ids"].get<Ids>()) << text;
    EXPECT_EQ(pieces->decode(ids), fast->decode(ids)) << text;
  }
  for (const auto* text : {"a <mask> b<pad></s>", "<s>", " <mask>", "x<unk>y"})
    EXPECT_EQ(pieces->encode_full(text), fast->encode_full(text)) << text;
}

TEST(ClipVocabulary, GivesTheIdsOfRealCaptions) {
  BEELD_NEED_SHARED("tokenizers/clip");
  const auto folder = testing::shared_folder() / "tokenizers" / "clip";
  const auto tokenizer = load_tokenizer(folder);
  EXPECT_EQ(tokenizer->vocabulary_size(), 49408u);
  EXPECT_EQ(tokenizer->pad_id(), 49407);
  EXPECT_EQ(tokenizer->encode_full("How are you doing?"), (Ids{49406, 829, 631, 592, 1960, 286, 49407}));
  EXPECT_EQ(tokenizer->encode_full("hello world"), (Ids{49406, 3306, 1002, 49407}));
  std::ifstream file(folder / "coco_captions.jsonl");
  std::size_t captions = 0;
  for (std::string line; std::getline(file, line); ++captions) {
    const auto row = nlohmann::json::parse(line);
    ASSERT_EQ(tokenizer->encode_full(row["text"].get<std::string>()), row["ids"].get<Ids>()) << line;
  }
  EXPECT_EQ(captions, 2500u);
}

/// Texts longer than SentencePiece gets at once are cut where words start, which changes no id.
TEST(SiglipTokenizer, CutsLongTextsWithoutATrace) {
  BEELD_NEED_SHARED("conformance/siglip/public");
  const auto tokenizer = load_tokenizer(testing::shared_folder() / "conformance/siglip/public");
  const std::string sentence = "the quick brown fox jumps over two small dogs near the old table";
  auto part = tokenizer->encode_full(sentence);
  part.pop_back();
  std::string text;
  Ids wanted;
  for (int i = 0; i < 500; ++i) {
    text += (i == 0 ? "" : " ") + sentence;
    wanted.insert(wanted.end(), part.begin(), part.end());
  }
  wanted.push_back(1);
  EXPECT_EQ(tokenizer->encode_full(text), wanted);
}

}  // namespace
}  // namespace beeld
