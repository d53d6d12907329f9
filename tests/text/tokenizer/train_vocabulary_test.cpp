#include "text/tokenizer/train_vocabulary.h"

#include <beeld/error.h>
#include <beeld/tokenizer.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/support/temporary_folder.h"
#include "text/subword/sentence_piece.h"
#include "text/tokenizer/siglip_tokenizer.h"

namespace beeld {
namespace {

using Ids = std::vector<std::int32_t>;
using Texts = std::vector<std::string>;

constexpr std::size_t pieces = 48;

/// Captions in two languages from a few words, with capitals, punctuation and a letter outside ASCII.
Texts made_up_captions() {
  const Texts colours = {"red", "blue", "green", "rode", "blauwe", "groene"};
  const Texts things = {"house", "boat", "tree", "huis", "boot", "caf\xC3\xA9", "zeilboot"};
  const Texts places = {"on the water", "under a tree", "op het water", "onder de boom"};
  Texts texts;
  for (const auto& colour : colours) {
    for (const auto& thing : things) {
      for (const auto& place : places) texts.push_back("A " + colour + " " + thing + ", " + place + "!");
    }
  }
  return texts;
}

class TrainVocabulary : public ::testing::Test {
 protected:
  static ErrorCode refusal(const Texts& texts, const VocabularyOptions& options) {
    try {
      train_vocabulary(texts, options);
    } catch (const Error& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with("[vocabulary] ")) << error.what();
      return error.code();
    }
    ADD_FAILURE() << "expected an error";
    return ErrorCode::io;
  }

  testing::TemporaryFolder folder_;
  Texts captions_ = made_up_captions();
};

TEST_F(TrainVocabulary, IsReadAsASiglipTokenizer) {
  write_vocabulary(folder_ / "new/vocabulary", captions_, {.pieces = pieces, .context_length = 6});
  const auto tokenizer = load_tokenizer(folder_ / "new/vocabulary");
  EXPECT_EQ(tokenizer->vocabulary_size(), pieces);
  EXPECT_EQ(tokenizer->context_length(), 6u);
  EXPECT_EQ(tokenizer->pad_id(), 1);
  EXPECT_EQ(tokenizer->encode_full(""), (Ids{1}));
  EXPECT_EQ(tokenizer->encode_full("a red\nBOAT."), tokenizer->encode_full("A red boat"));
  EXPECT_EQ(tokenizer->encode("a red boat on the water under a tree").back(), 1);
  EXPECT_EQ(tokenizer->encode("a red boat on the water under a tree").size(), 6u);
}

TEST_F(TrainVocabulary, HasThePublishedIdsAndCoversEveryCharacter) {
  write_vocabulary(folder_.path(), captions_, {.pieces = pieces});
  const SentencePieceModel model(folder_ / "spiece.model", DummyPrefix::as_file);
  EXPECT_EQ(model.find("<pad>"), 0);
  EXPECT_EQ(model.find("</s>"), 1);
  EXPECT_EQ(model.find("<unk>"), 2);
  EXPECT_GT(model.find("\xC3\xA9"), 2);
  EXPECT_EQ(model.find("<s>"), -1);
  EXPECT_EQ(model.find("A"), -1);  // texts were lower-cased
  EXPECT_EQ(model.find("!"), -1);
  const auto tokenizer = load_tokenizer(folder_.path());
  for (const auto& caption : captions_) {
    const auto ids = tokenizer->encode_full(caption);
    EXPECT_EQ(std::count(ids.begin(), ids.end(), 2), 0) << caption;
  }
  const auto unknown = tokenizer->encode_full("a \xE7\x8C\xAB");
  EXPECT_EQ(std::count(unknown.begin(), unknown.end(), 2), 1);
}

TEST_F(TrainVocabulary, GivesFrequentWordsAPieceOfTheirOwn) {
  write_vocabulary(folder_.path(), captions_, {.pieces = pieces});
  const auto tokenizer = load_tokenizer(folder_.path());
  std::set<Ids> distinct;
  for (const char* word : {"red", "blauwe", "zeilboot", "water", "onder", "tree"}) {
    const auto ids = tokenizer->encode_full(word);
    EXPECT_EQ(ids.size(), 2u) << word;
    distinct.insert(ids);
  }
  EXPECT_EQ(distinct.size(), 6u);
}

TEST_F(TrainVocabulary, DecodesToWhatWasEncoded) {
  write_vocabulary(folder_.path(), captions_, {.pieces = pieces});
  const SentencePieceModel model(folder_ / "spiece.model", DummyPrefix::as_file);
  for (const auto& caption : captions_) {
    std::string text;
    for (const auto id : model.encode(canonical_siglip_text(caption))) text += model.piece(id);
    std::string expected = "\xE2\x96\x81";
    for (const char c : canonical_siglip_text(caption)) {
      if (c == ' ')
        expected += "\xE2\x96\x81";
      else
        expected += c;
    }
    EXPECT_EQ(text, expected);
  }
}

TEST_F(TrainVocabulary, GivesTheSameBytesAgain) {
  EXPECT_EQ(train_vocabulary(captions_, {.pieces = pieces}), train_vocabulary(captions_, {.pieces = pieces}));
  EXPECT_NE(train_vocabulary(captions_, {.pieces = pieces}),
            train_vocabulary(captions_, {.pieces = pieces - 1}));
}

TEST_F(TrainVocabulary, RefusesSizesThatDoNotSuitTheTexts) {
  constexpr auto invalid = ErrorCode::invalid_argument;
  for (const std::size_t size : {0u, 3u, 4u, 20u, 200u, 100'000u, 1u << 30}) {
    EXPECT_EQ(refusal(captions_, {.pieces = size}), invalid) << size;
  }
  EXPECT_EQ(refusal(captions_, {.pieces = pieces, .longest_piece = 0}), invalid);
  EXPECT_EQ(refusal(captions_, {.pieces = pieces, .longest_piece = 513}), invalid);
  EXPECT_EQ(refusal(captions_, {.pieces = pieces, .context_length = 0}), invalid);
}

TEST_F(TrainVocabulary, RefusesTextsWithoutWords) {
  constexpr auto invalid = ErrorCode::invalid_argument;
  EXPECT_EQ(refusal({}, {.pieces = pieces}), invalid);
  EXPECT_EQ(refusal({"", " \t", "?!"}, {.pieces = pieces}), invalid);
  EXPECT_EQ(refusal({"a"}, {.pieces = pieces}), invalid);
  EXPECT_EQ(refusal({std::string(1, '\0')}, {.pieces = pieces}), invalid);
}

TEST_F(TrainVocabulary, TakesAnyBytes) {
  std::string bytes;
  for (int i = 0; i < 4096; ++i) bytes += static_cast<char>(i * 7 % 256);
  auto texts = captions_;
  texts.push_back(bytes);
  texts.push_back(std::string(20'000, 'x'));
  texts.push_back("\xE2\x96\x85 \xE2\x96\x81 <unk> </s>");  // characters that SentencePiece keeps for itself
  write_vocabulary(folder_.path(), texts, {.pieces = pieces + 20});
  EXPECT_EQ(load_tokenizer(folder_.path())->vocabulary_size(), pieces + 20);
}

}  // namespace
}  // namespace beeld
