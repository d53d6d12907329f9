#include "tests/cli/command.h"
#include "tests/support/tiny_model.h"

namespace beeld::testing {

class TokenizeTest : public CommandTest {};

using Ids = std::vector<int>;

TEST_F(TokenizeTest, IdsHaveStartAndEnd) {
  // a</w> is byte symbol 64 at the end of a word; cat, photo and of are merges 1, 7 and 8.
  const auto line = run({"tokenize", "A photo of  a cat"}).line();
  EXPECT_EQ(line["text"], "A photo of  a cat");
  EXPECT_EQ(line["ids"].get<Ids>(), (Ids{tiny_start_id(), 320, 519, 520, 320, 513, tiny_end_id()}));
}

TEST_F(TokenizeTest, ForPeopleIdsAreOnALine) {
  const auto finished = run_plain({"tokenize", "a", "", "--model", model_.string()});
  EXPECT_EQ(finished.out, "526 320 527\n526 527\n");
}

TEST_F(TokenizeTest, LongTextsAreCutWithTheEndTokenLast) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "cat ";
  const auto ids = run({"tokenize", text}).line()["ids"].get<Ids>();
  ASSERT_EQ(ids.size(), 24u);
  EXPECT_EQ(ids.front(), tiny_start_id());
  EXPECT_EQ(ids[22], 513);
  EXPECT_EQ(ids.back(), tiny_end_id());
}

TEST_F(TokenizeTest, PadFillsToTheContextLength) {
  const auto ids = run({"tokenize", "cat", "--pad"}).line()["ids"].get<Ids>();
  ASSERT_EQ(ids.size(), 24u);
  EXPECT_EQ(Ids(ids.begin(), ids.begin() + 3), (Ids{tiny_start_id(), 513, tiny_end_id()}));
  EXPECT_EQ(ids.back(), tiny_end_id());
}

TEST_F(TokenizeTest, AFolderWithOnlyTheTokenizerIsEnough) {
  write_tiny_tokenizer(folder_ / "tokenizer");
  const auto finished = run_plain({"tokenize", "cat", "--model", (folder_ / "tokenizer").string()});
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(finished.out, "526 513 527\n");
}

TEST_F(TokenizeTest, TheTextTowersContextLengthCounts) {
  // A tokenizer that allows more than the text tower has positions for.
  add_file("model/tokenizer_config.json",
           R"({"tokenizer_class": "CLIPTokenizer", "model_max_length": 500, "pad_token": "<|endoftext|>"})");
  EXPECT_EQ(run({"tokenize", "cat", "--pad"}).line()["ids"].size(), 24u);
  std::filesystem::remove(model_ / "model.safetensors");
  EXPECT_EQ(run({"tokenize", "cat", "--pad"}).line()["ids"].size(), 500u);
}

TEST_F(TokenizeTest, TextsMayComeFromAJsonList) {
  const auto file = add_file("texts.json", R"(["cat", "dog", "r\u00e9d", ""])");
  const auto lines = run({"tokenize", "first", "--texts", file.string()}).lines();
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[0]["text"], "first");
  EXPECT_EQ(lines[2]["text"], "dog");
  EXPECT_EQ(lines[3]["text"],
            "r\xC3\xA9"
            "d");
  EXPECT_EQ(lines[4]["ids"].size(), 2u);
}

TEST_F(TokenizeTest, OtherJsonIsRefused) {
  for (const char* content : {"{}", "[1]", "[\"a\"", "", "\"a\""}) {
    const auto finished = run({"tokenize", "--texts", add_file("bad.json", content).string()});
    EXPECT_EQ(finished.code, 2) << content;
    EXPECT_EQ(finished.out, "");
    EXPECT_TRUE(finished.names("bad.json")) << finished.err;
  }
}

TEST_F(TokenizeTest, InvalidUtf8IsReplaced) {
  const auto line = run({"tokenize", "\xFF"}).line();
  EXPECT_EQ(line["text"], "\xEF\xBF\xBD");
  EXPECT_GE(line["ids"].size(), 3u);
}

}  // namespace beeld::testing
