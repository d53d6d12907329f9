#include <beeld/error.h>
#include <beeld/tokenizer.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/text/tokenizer/streamed.h"
#include "tests/text/tokenizer/tokenizer_folder.h"
#include "text/subword/byte_alphabet.h"
#include "text/tokenizer/decoder.h"
#include "text/unicode/utf8.h"

namespace beeld {
namespace {

using nlohmann::json;
using testing::streamed;
using testing::TokenizerFolder;
using Ids = std::vector<std::int32_t>;

/// What has come out after each of the tokens and at the end, joined by |.
std::string steps(const json& decoder, const std::vector<std::string>& tokens) {
  const auto read = read_decoder(decoder, "test");
  Decoder::Run run(read);
  std::string result;
  for (const auto& token : tokens) {
    run.add(token);
    run.end_token();
    result += run.take() + "|";
  }
  run.finish();
  return result + run.take();
}

std::string text_of(const json& decoder, const std::vector<std::string>& tokens) {
  auto text = steps(decoder, tokens);
  std::erase(text, '|');
  return text;
}

json sequence(const json& decoders) { return {{"type", "Sequence"}, {"decoders", decoders}}; }

const json llama = sequence({{{"type", "Replace"}, {"pattern", {{"String", "\u2581"}}}, {"content", " "}},
                             {{"type", "ByteFallback"}},
                             {{"type", "Fuse"}},
                             {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}});

// Expected texts of this file follow the source of Hugging Face's tokenizers 0.21.
TEST(Decoder, ByteLevelHoldsBackPartsOfCharacters) {
  const json decoder = {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}};
  EXPECT_EQ(steps(decoder, {"\u0120a", "\u00E2\u0124", "\u00AC", "b"}), " a||\u20AC|b|");
  EXPECT_EQ(steps(decoder, {"\u00E2\u0124", "b"}), "|\uFFFDb|");
  EXPECT_EQ(steps(decoder, {"a", "\u00F0\u0141", "\u0122"}), "a|||\uFFFD");
  EXPECT_EQ(steps(decoder, {"\u0124", "\u0124"}), "\uFFFD|\uFFFD|");
  EXPECT_EQ(steps(decoder, {"a \u20AC"}), "a \u20AC|");  // not in the alphabet: as it is written
}

TEST(Decoder, WordPieceJoinsAndCleansEveryToken) {
  const json decoder = {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}};
  EXPECT_EQ(steps(decoder, {"##un", "##aff", "able", ".", "it", "'s", "'", "x"}),
            "##un|aff| able|.| it|'s| '| x|");
  EXPECT_EQ(text_of({{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", false}}, {"a", ".", "##b"}),
            "a .b");
}

TEST(Decoder, MetaspaceTakesTheFirstSpaceBack) {
  const json decoder = {{"type", "Metaspace"}, {"replacement", "\u2581"}, {"add_prefix_space", true}};
  EXPECT_EQ(steps(decoder, {"\u2581\u2581a\u2581b", "\u2581c", "d\u2581"}), "ab| c|d |");
  EXPECT_EQ(text_of({{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "never"}}, {"_a", "_b"}),
            " a b");
}

TEST(Decoder, LlamaStripsOneSpaceAndKeepsRunsOfBytesTogether) {
  EXPECT_EQ(steps(llama, {"\u2581\u2581a", "\u2581b"}), " a| b|");
  EXPECT_EQ(steps(llama, {"\u2581", "\u2581b"}), "| b|");
  EXPECT_EQ(steps(llama, {"<0xE2>", "<0x82>", "<0xAC>", "a"}), "|||\u20ACa|");
  EXPECT_EQ(text_of(llama, {"<0xE2>", "<0x82>", "<0xAC>", "<0xFF>"}), "\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(text_of(llama, {"<0x20>", "<0xZZ>"}), "<0xZZ>");
}

TEST(Decoder, StripsBothEndsOfTokensOrOfTheText) {
  const json strip = {{"type", "Strip"}, {"content", "_"}, {"start", 1}, {"stop", 2}};
  EXPECT_EQ(steps(strip, {"__a___", "_", "b_"}), "_a_||b|");
  EXPECT_EQ(steps(sequence({{{"type", "Fuse"}}, strip}), {"__a_", "__", "b_", "_"}), "_a|_|__b||");
}

TEST(Decoder, BpeEndsWordsWithSpacesButTheLast) {
  const json decoder = {{"type", "BPEDecoder"}, {"suffix", "</w>"}};
  EXPECT_EQ(steps(decoder, {"a", "b</w>", "c</w>"}), "|a|b |c");
  EXPECT_EQ(text_of(decoder, {}), "");
}

TEST(Decoder, ReplacesPatternsInTokens) {
  EXPECT_EQ(
      text_of({{"type", "Replace"}, {"pattern", {{"Regex", "[ab]+"}}}, {"content", "-"}}, {"abc", "xa"}),
      "-cx-");
  EXPECT_EQ(text_of({{"type", "Replace"}, {"pattern", {{"String", "a."}}}, {"content", ""}}, {"aa.b", "a."}),
            "ab");
  EXPECT_EQ(text_of(nullptr, {"a", "", "b"}), "a  b");
}

TEST(Decoder, CleansUpAndTrimsAcrossTokens) {
  Decoder decoder;
  decoder.append(trim_text());
  decoder.append(clean_up_spaces());
  Decoder::Run run(decoder);
  std::string text;
  for (const char* part : {" ", "\n", "a", " ", ".", " b n", "'t ' c", " '", "v", "e ", "?", " ", "\t"}) {
    run.add(part);
    run.end_token();
    text += run.take();
  }
  run.finish();
  EXPECT_EQ(text + run.take(), "a. bn't'c've?");
}

ErrorCode failure(const json& decoder, std::string_view part) {
  try {
    read_decoder(decoder, "test");
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    return error.code();
  }
  ADD_FAILURE() << "accepted: " << decoder;
  return ErrorCode::io;
}

TEST(Decoder, NamesWhatItDoesNotHave) {
  EXPECT_EQ(failure({{"type", "CTC"}, {"pad_token", "<pad>"}}, "a decoder \"CTC\""), ErrorCode::unsupported);
  EXPECT_EQ(failure({{"type", "Fuse"}, {"unheard_of", 1}}, "unheard_of"), ErrorCode::unsupported);
  EXPECT_EQ(failure({{"type", "Sequence"}, {"decoders", 1}}, "a list"), ErrorCode::corrupt);
  EXPECT_EQ(failure({{"type", "Strip"}, {"content", "ab"}}, "content"), ErrorCode::corrupt);
  EXPECT_EQ(failure({{"type", "Strip"}, {"content", "a"}, {"start", -1}}, "start"), ErrorCode::corrupt);
  EXPECT_EQ(failure({{"type", "BPEDecoder"}, {"suffix", ""}}, "suffix"), ErrorCode::corrupt);
  EXPECT_EQ(failure({{"type", "Metaspace"}, {"replacement", ""}}, "replacement"), ErrorCode::corrupt);
  EXPECT_EQ(failure({{"type", "Replace"}, {"pattern", 1}}, "\"String\""), ErrorCode::corrupt);
  EXPECT_EQ(failure(json::array(), "decoder"), ErrorCode::corrupt);
}

TEST(Decoder, RefusesStepsThatMultiplyTheText) {
  const json grow = {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", std::string(60, 'a')}};
  const auto read = read_decoder(sequence(json::array({grow, grow, grow, grow, grow, grow})), "test");
  Decoder::Run run(read);
  run.add("aaaa");
  try {
    run.end_token();
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::limit);
  }
}

json byte_level_json() {
  json vocabulary;
  int id = 0;
  for (const auto& character : byte_alphabet()) vocabulary[character] = id++;
  const json token = {{"id", 256},       {"content", "<end>"},  {"single_word", false}, {"lstrip", false},
                      {"rstrip", false}, {"normalized", false}, {"special", true}};
  return {{"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", json::array()}}},
          {"added_tokens", {token}},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
          {"decoder", {{"type", "ByteLevel"}}}};
}

TEST(Decode, SkipsSpecialTokensAndIdsThatNoTokenHas) {
  const TokenizerFolder folder{{"tokenizer.json", byte_level_json().dump()}};
  const auto tokenizer = load_tokenizer(folder.path());
  const auto ids = tokenizer->encode_full("a <end>\u20AC");
  EXPECT_EQ(tokenizer->decode(ids), "a \u20AC");
  EXPECT_EQ(tokenizer->decode(ids, {SpecialTokens::keep}), "a <end>\u20AC");
  EXPECT_EQ(tokenizer->decode(Ids{'a', -1, 257, 1 << 30, 'b'}), "ab");
  EXPECT_EQ(tokenizer->decode({}), "");
}

TEST(Decode, IsExactForAnyBytes) {
  const TokenizerFolder folder{{"tokenizer.json", byte_level_json().dump()}};
  const auto tokenizer = load_tokenizer(folder.path());
  std::string bytes = "\xF0\x9F\x98\x80 x \xE2\x82\xAC\r\n\xC3\xA9  \xFF\xE2\x82 end";
  for (std::size_t start = 0; start < bytes.size(); ++start) {
    const auto part = bytes.substr(start);
    const auto ids = tokenizer->encode_full(part);
    EXPECT_EQ(tokenizer->decode(ids), valid_utf8(part));
    EXPECT_EQ(streamed(*tokenizer, ids), valid_utf8(part));
    Ids raw;  // a token a byte, whether valid or not
    for (const char c : part) raw.push_back(static_cast<unsigned char>(c));
    EXPECT_EQ(streamed(*tokenizer, raw), valid_utf8(part));
  }
}

TEST(Decode, CleansUpSpacesWhereTheConfigurationAsks) {
  auto root = byte_level_json();
  const TokenizerFolder folder{{"tokenizer.json", root.dump()}};
  const auto text = "it 's a dog , is n't it ?";
  const auto ids = load_tokenizer(folder.path())->encode_full(text);
  EXPECT_EQ(load_tokenizer(folder.path())->decode(ids), text);
  folder.write("tokenizer_config.json", R"({"clean_up_tokenization_spaces": true})");
  EXPECT_EQ(load_tokenizer(folder.path())->decode(ids), "it's a dog, isn't it?");
  EXPECT_EQ(streamed(*load_tokenizer(folder.path()), ids), "it's a dog, isn't it?");
}

TEST(Decode, BertFromItsWordList) {
  const TokenizerFolder folder{{"vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nd\n##og\n,\n!\n"}};
  const auto tokenizer = load_tokenizer(folder.path());
  const auto ids = tokenizer->encode_full("A dog, a [MASK] q!");
  EXPECT_EQ(tokenizer->decode(ids), "a dog, a!");
  EXPECT_EQ(tokenizer->decode(ids, {SpecialTokens::keep}), "[CLS] a dog, a [MASK] [UNK]! [SEP]");
  folder.write("tokenizer_config.json", R"({"clean_up_tokenization_spaces": false})");
  EXPECT_EQ(load_tokenizer(folder.path())->decode(ids), "a dog , a !");
}

TEST(Encode, CutsFromTheLeftWhereTheConfigurationSaysSo) {
  auto root = byte_level_json();
  root["post_processor"] = {{"type", "BertProcessing"}, {"cls", {"<end>", 256}}, {"sep", {"<end>", 256}}};
  const TokenizerFolder folder{
      {"tokenizer.json", root.dump()},
      {"tokenizer_config.json", R"({"truncation_side": "left", "model_max_length": 4})"}};
  EXPECT_EQ(load_tokenizer(folder.path())->encode("abcd"), (Ids{256, 'c', 'd', 256}));
  folder.write("tokenizer_config.json", R"({"truncation_side": "right", "model_max_length": 4})");
  EXPECT_EQ(load_tokenizer(folder.path())->encode("abcd"), (Ids{256, 'a', 'b', 256}));
  folder.write("tokenizer_config.json", R"({"truncation_side": "left", "model_max_length": 1})");
  EXPECT_EQ(load_tokenizer(folder.path())->encode("abcd"), (Ids{256}));
}

}  // namespace
}  // namespace beeld
