#include <beeld/error.h>
#include <beeld/tokenizer.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/expect_error.h"
#include "tests/text/tokenizer/tokenizer_folder.h"

// Expected ids of this file come from Hugging Face's tokenizers 0.23.

namespace beeld {
namespace {

using nlohmann::json;
using testing::TokenizerFolder;
using Ids = std::vector<std::int32_t>;

/// Characters a to z, some more, and the visible space, each a piece; the id of x is `piece("x")`.
json character_model() {
  json vocabulary;
  int id = 0;
  for (const char* special : {"<unk>", "<s>", "</s>"}) vocabulary[special] = id++;
  for (char c = 'a'; c <= 'z'; ++c) vocabulary[std::string(1, c)] = id++;
  for (const char* text : {"\u2581", " ", ".", "'", "A", "\u00E9", "\u0301", "\u0120", "fi"})
    vocabulary[text] = id++;
  return {{"type", "BPE"},
          {"vocab", vocabulary},
          {"merges", json::array()},
          {"unk_token", "<unk>"},
          {"dropout", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false}};
}

json tokenizer_json(const json& parts = json::object()) {
  json root = {{"version", "1.0"},          {"truncation", nullptr},
               {"padding", nullptr},        {"added_tokens", json::array()},
               {"normalizer", nullptr},     {"pre_tokenizer", nullptr},
               {"post_processor", nullptr}, {"decoder", nullptr},
               {"model", character_model()}};
  root.update(parts);
  return root;
}

/// The pieces of `text`, joined by |, with the given parts of a tokenizer.json.
std::string pieces(const json& parts, std::string_view text) {
  const auto root = tokenizer_json(parts);
  const TokenizerFolder folder{{"tokenizer.json", root.dump()}};
  std::string result;
  for (const auto id : load_tokenizer(folder.path())->encode_full(text)) {
    for (const auto& [piece, value] : root["model"]["vocab"].items()) {
      if (value == id) result += (result.empty() ? "" : "|") + piece;
    }
  }
  return result;
}

json normalizer(const json& value) { return {{"normalizer", value}}; }

/// A pre-tokenizer whose words show: a word that is a piece as a whole is one.
std::string words(const json& pre_tokenizer, std::string_view text) {
  auto model = character_model();
  int id = 1000;
  for (const char* word :
       {"ab", "abc", "ab.", ".ab", "..", "ab..", "\u2581ab", "\u2581\u2581ab", "12", "\u0120ab"}) {
    model["vocab"][word] = id++;
  }
  model["ignore_merges"] = true;
  return pieces({{"pre_tokenizer", pre_tokenizer}, {"model", model}}, text);
}

TEST(Normalizers, DoWhatTheirNamesSay) {
  EXPECT_EQ(pieces(normalizer({{"type", "NFC"}}), "e\u0301"), "\u00E9");
  EXPECT_EQ(pieces(normalizer({{"type", "NFD"}}), "\u00E9"), "e|\u0301");
  EXPECT_EQ(pieces(normalizer({{"type", "NFKC"}}), "\uFB01"), "f|i");
  EXPECT_EQ(pieces(normalizer({{"type", "NFKD"}}), "\uFF41"), "a");
  EXPECT_EQ(pieces(normalizer({{"type", "Lowercase"}}), "AB\u00C9"), "a|b|\u00E9");
  EXPECT_EQ(pieces(normalizer({{"type", "Strip"}, {"strip_left", true}, {"strip_right", false}}), " a "),
            "a| ");
  EXPECT_EQ(pieces(normalizer({{"type", "StripAccents"}}), "e\u0301"), "e");
  EXPECT_EQ(pieces(normalizer({{"type", "Prepend"}, {"prepend", "\u2581"}}), "a"), "\u2581|a");
  EXPECT_EQ(pieces(normalizer({{"type", "Prepend"}, {"prepend", "\u2581"}}), ""), "");
  EXPECT_EQ(
      pieces(normalizer({{"type", "Replace"}, {"pattern", {{"String", "."}}}, {"content", "a"}}), "b.c"),
      "b|a|c");
  EXPECT_EQ(
      pieces(normalizer({{"type", "Replace"}, {"pattern", {{"Regex", "\\s+"}}}, {"content", " "}}), "a\t\nb"),
      "a| |b");
  EXPECT_EQ(pieces(normalizer({{"type", "BertNormalizer"},
                               {"clean_text", true},
                               {"handle_chinese_chars", true},
                               {"strip_accents", nullptr},
                               {"lowercase", true}}),
                   "A\x01\t\u00C9"),
            "a| |e");
  EXPECT_EQ(pieces(normalizer(
                       {{"type", "Sequence"}, {"normalizers", {{{"type", "Lowercase"}}, {{"type", "NFD"}}}}}),
                   "\u00C9"),
            "e|\u0301");
}

TEST(TokenizerJson, RefusesStepsThatMultiplyTheText) {
  const auto expect_limit = [](const json& parts) {
    const TokenizerFolder folder{{"tokenizer.json", tokenizer_json(parts).dump()}};
    try {
      static_cast<void>(load_tokenizer(folder.path())->encode("\u00E9a"));
      ADD_FAILURE() << "accepted: " << parts.dump().substr(0, 200);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::limit) << error.what();
    }
  };
  const auto sequence = [](const char* kind, const char* list, const json& step, std::size_t count) {
    return json{{kind, {{"type", "Sequence"}, {list, std::vector<json>(count, step)}}}};
  };
  const json replace = {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", "aaaaaaaa"}};
  const json prepend = {{"type", "Prepend"}, {"prepend", std::string(1000, 'a')}};
  const json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
  expect_limit(sequence("normalizer", "normalizers", replace, 20));
  expect_limit(sequence("normalizer", "normalizers", prepend, 1000));
  expect_limit(sequence("pre_tokenizer", "pretokenizers", byte_level, 60));
  auto once = replace;
  once["content"] = std::string(100000, 'a');
  expect_limit(normalizer(once));
}

TEST(PreTokenizers, SplitWithEveryBehaviour) {
  const auto split = [](const char* behavior, bool invert = false) {
    return json{
        {"type", "Split"}, {"pattern", {{"String", "."}}}, {"behavior", behavior}, {"invert", invert}};
  };
  EXPECT_EQ(words(split("Removed"), "ab..abc"), "ab|abc");
  EXPECT_EQ(words(split("Removed", true), "ab..abc"), ".|.");
  EXPECT_EQ(words(split("Isolated"), "ab..abc"), "ab|.|.|abc");
  EXPECT_EQ(words(split("MergedWithPrevious"), "ab..abc"), "ab.|.|abc");
  EXPECT_EQ(words(split("MergedWithNext"), "ab..ab"), "ab|.|.ab");
  EXPECT_EQ(words(split("Contiguous"), "ab..abc"), "ab|..|abc");
}

TEST(PreTokenizers, KnowSpaces) {
  const auto metaspace = [](const char* scheme) {
    return json{
        {"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", scheme}, {"split", true}};
  };
  EXPECT_EQ(words(metaspace("always"), "ab ab"),
            "\u2581"
            "ab|\u2581"
            "ab");
  EXPECT_EQ(words(metaspace("never"), "ab ab"),
            "ab|\u2581"
            "ab");
  EXPECT_EQ(words(metaspace("first"), " ab"),
            "\u2581"
            "ab");
  EXPECT_EQ(words({{"type", "Metaspace"}, {"replacement", "\u2581"}, {"add_prefix_space", false}}, "ab"),
            "ab");
  EXPECT_EQ(words({{"type", "WhitespaceSplit"}}, " ab\u3000ab\t"), "ab|ab");
  EXPECT_EQ(words({{"type", "Whitespace"}}, "ab..ab"), "ab|..|ab");
  EXPECT_EQ(words({{"type", "BertPreTokenizer"}}, "ab.. abc"), "ab|.|.|abc");
  EXPECT_EQ(words({{"type", "Digits"}, {"individual_digits", false}}, "ab12"), "ab|12");
  EXPECT_EQ(words({{"type", "Punctuation"}}, "ab..ab"), "ab|.|.|ab");
  EXPECT_EQ(words({{"type", "ByteLevel"}, {"add_prefix_space", true}}, "ab"), "\u0120ab");
}

json token(const char* content, int id, const json& flags = json::object()) {
  json result = {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
                 {"rstrip", false}, {"normalized", false}, {"special", true}};
  result.update(flags);
  return result;
}

TEST(AddedTokens, AreCutOutOfTheText) {
  const json added = {token("<s>", 1), token("</s>", 2, {{"lstrip", true}, {"rstrip", true}})};
  EXPECT_EQ(pieces({{"added_tokens", added}}, "a<s>b </s>  c"), "a|<s>|b|</s>|c");
  EXPECT_EQ(pieces({{"added_tokens", added}}, "<s><s></s>"), "<s>|<s>|</s>");
}

TEST(AddedTokens, MayBeWordsOnly) {
  const json added = {token("fi", 37, {{"single_word", true}})};
  EXPECT_EQ(pieces({{"added_tokens", added}}, "fi fig.fi"), "fi| |f|i|g|.|fi");
}

TEST(AddedTokens, MayBeFoundAfterNormalization) {
  auto parts = normalizer({{"type", "Lowercase"}});
  parts["added_tokens"] = {token("FI", 37, {{"normalized", true}})};
  parts["model"] = character_model();
  parts["model"]["vocab"].erase("fi");
  parts["model"]["vocab"]["FI"] = 37;
  EXPECT_EQ(pieces(parts, "aFi"), "a|FI");
  parts["added_tokens"][0]["normalized"] = false;
  EXPECT_EQ(pieces(parts, "aFi"), "a|f|i");
}

TEST(PostProcessors, FrameTheText) {
  const json special = {{"<s>", {{"id", "<s>"}, {"ids", {1}}, {"tokens", {"<s>"}}}},
                        {"</s>", {{"id", "</s>"}, {"ids", {2}}, {"tokens", {"</s>"}}}}};
  const json start = {{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}};
  const json end = {{"SpecialToken", {{"id", "</s>"}, {"type_id", 0}}}};
  const json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const auto frame = [&](const json& single) {
    return json{{"post_processor",
                 {{"type", "TemplateProcessing"},
                  {"single", single},
                  {"pair", json::array()},
                  {"special_tokens", special}}}};
  };
  EXPECT_EQ(pieces(frame({start, text, end}), "a"), "<s>|a|</s>");
  EXPECT_EQ(pieces(frame({text, end, end}), "a"), "a|</s>|</s>");
  EXPECT_EQ(pieces({{"post_processor",
                     {{"type", "RobertaProcessing"},
                      {"sep", {"</s>", 2}},
                      {"cls", {"<s>", 1}},
                      {"trim_offsets", false},
                      {"add_prefix_space", false}}}},
                   ""),
            "<s>|</s>");
  testing::expect_error(ErrorCode::unsupported, "a template with the text 2 times", [&] {
    pieces(frame({text, text}), "a");
  });
}

TEST(Truncation, KeepsWhatEndsEveryText) {
  const json end = {{"SpecialToken", {{"id", "</s>"}, {"type_id", 0}}}};
  const json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const json special = {{"</s>", {{"id", "</s>"}, {"ids", {2}}, {"tokens", {"</s>"}}}}};
  const auto with_end = tokenizer_json({{"post_processor",
                                         {{"type", "TemplateProcessing"},
                                          {"single", {text, end}},
                                          {"pair", json::array()},
                                          {"special_tokens", special}}}});
  const std::string config = R"({"model_max_length": 3, "pad_token": "</s>"})";
  const TokenizerFolder ended{{"tokenizer.json", with_end.dump()}, {"tokenizer_config.json", config}};
  const auto tokenizer = load_tokenizer(ended.path());
  EXPECT_EQ(tokenizer->context_length(), 3u);
  EXPECT_EQ(tokenizer->pad_id(), 2);
  EXPECT_EQ(tokenizer->encode("abcd"), (Ids{3, 4, 2}));
  EXPECT_EQ(tokenizer->encode("ab"), (Ids{3, 4, 2}));
  EXPECT_EQ(tokenizer->encode("a"), (Ids{3, 2}));
  tokenizer->set_context_length(0);
  EXPECT_EQ(tokenizer->encode("abcd").size(), 5u);

  const TokenizerFolder bare{{"tokenizer.json", tokenizer_json().dump()}, {"tokenizer_config.json", config}};
  EXPECT_EQ(load_tokenizer(bare.path())->encode("abcd"), (Ids{3, 4, 5}));
}

TEST(TokenizerJson, ReadsMergesInBothForms) {
  auto model = character_model();
  model["vocab"]["ab"] = 100;
  model["merges"] = {"a b"};
  EXPECT_EQ(pieces({{"model", model}}, "cab"), "c|ab");
  model["merges"] = json::array({json::array({"a", "b"})});
  EXPECT_EQ(pieces({{"model", model}}, "cab"), "c|ab");
}

TEST(TokenizerJson, LowercasesForSiglip2) {
  const TokenizerFolder folder{{"tokenizer.json", tokenizer_json().dump()},
                               {"tokenizer_config.json", R"({"tokenizer_class": "GemmaTokenizer"})"}};
  const auto a = tokenizer_json()["model"]["vocab"]["A"].get<std::int32_t>();
  EXPECT_EQ(load_tokenizer(folder.path())->encode("A"), (Ids{a}));
  folder.write("tokenizer_config.json", R"({"tokenizer_class": "GemmaTokenizer", "do_lower_case": true})");
  EXPECT_EQ(load_tokenizer(folder.path())->encode("A"), (Ids{3}));
  folder.write("tokenizer_config.json", R"({"tokenizer_class": "Siglip2TokenizerFast"})");
  EXPECT_EQ(load_tokenizer(folder.path())->encode("A"), (Ids{3}));
}

ErrorCode failure(const json& root, const std::string& config = "{}") {
  const TokenizerFolder folder{{"tokenizer.json", root.dump()}, {"tokenizer_config.json", config}};
  try {
    load_tokenizer(folder.path());
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "accepted: " << root.dump().substr(0, 200);
  return ErrorCode::io;
}

TEST(TokenizerJson, NamesWhatItDoesNotHave) {
  const auto refused = [](const json& parts) {
    return failure(tokenizer_json(parts)) == ErrorCode::unsupported;
  };
  EXPECT_TRUE(refused(normalizer({{"type", "Nmt"}})));
  EXPECT_TRUE(refused(normalizer({{"type", "Lowercase"}, {"locale", "tr"}})));
  EXPECT_TRUE(refused({{"pre_tokenizer", {{"type", "UnicodeScripts"}}}}));
  EXPECT_TRUE(refused({{"post_processor", {{"type", "Other"}}}}));
  EXPECT_TRUE(refused({{"model", {{"type", "WordLevel"}, {"vocab", json::object()}}}}));
  EXPECT_TRUE(refused({{"new_part", 1}}));
  auto model = character_model();
  model["dropout"] = 0.5;
  EXPECT_TRUE(refused({{"model", model}}));
  EXPECT_EQ(failure(tokenizer_json(), R"({"truncation_side": "middle"})"), ErrorCode::corrupt);
}

TEST(TokenizerJson, RefusesContradictions) {
  const auto corrupt = [](const json& parts) { return failure(tokenizer_json(parts)) == ErrorCode::corrupt; };
  const auto with = [](const char* key, const json& value) {
    auto model = character_model();
    model[key] = value;
    return json{{"model", model}};
  };
  EXPECT_TRUE(corrupt({{"model", nullptr}}));
  EXPECT_TRUE(corrupt({{"model", "BPE"}}));
  EXPECT_TRUE(corrupt(with("vocab", {{"a", 0}, {"b", 0}, {"<unk>", 1}})));
  EXPECT_TRUE(corrupt(with("vocab", {{"a", -1}})));
  EXPECT_TRUE(corrupt(with("vocab", {{"a", 1e30}})));
  EXPECT_TRUE(corrupt(with("vocab", {{"a", 4000000000u}})));
  EXPECT_TRUE(corrupt(with("vocab", json::array({"a"}))));
  EXPECT_TRUE(corrupt(with("merges", {"a q!"})));
  EXPECT_TRUE(corrupt(with("merges", {"ab"})));
  EXPECT_TRUE(corrupt(with("merges", {{"a", "b", "c"}})));
  EXPECT_TRUE(corrupt(with("merges", 7)));
  EXPECT_TRUE(corrupt(with("unk_token", "missing")));
  EXPECT_TRUE(corrupt(with("unk_token", 3)));
  EXPECT_TRUE(corrupt({{"added_tokens", {token("a", 1)}}}));
  EXPECT_TRUE(corrupt({{"added_tokens", {token("new", 1)}}}));
  EXPECT_TRUE(corrupt({{"added_tokens", {token("new", 100), token("new", 101)}}}));
  EXPECT_TRUE(corrupt({{"added_tokens", 3}}));
  EXPECT_TRUE(
      corrupt({{"post_processor", {{"type", "BertProcessing"}, {"sep", {"x", 999}}, {"cls", {"y", 1}}}}}));
  EXPECT_TRUE(
      corrupt({{"post_processor", {{"type", "BertProcessing"}, {"sep", {"x", "y"}}, {"cls", {"y", 1}}}}}));
  EXPECT_TRUE(corrupt(normalizer({{"type", "Replace"}, {"pattern", {{"Regex", "("}}}, {"content", ""}})));
  EXPECT_TRUE(corrupt(normalizer({{"type", "Replace"}, {"pattern", 1}, {"content", ""}})));
  EXPECT_TRUE(corrupt(normalizer({{"type", "Precompiled"}, {"precompiled_charsmap", "AAAA"}})));
  EXPECT_TRUE(corrupt(normalizer(json::array())));
  EXPECT_EQ(failure(json::array()), ErrorCode::corrupt);
  EXPECT_EQ(failure(tokenizer_json(), R"({"model_max_length": "x"})"), ErrorCode::corrupt);
  EXPECT_EQ(failure(tokenizer_json(), R"({"eos_token": [1]})"), ErrorCode::corrupt);
}

TEST(TokenizerJson, SurvivesEveryTruncation) {
  const auto content = tokenizer_json({{"added_tokens", {token("<s>", 1)}}}).dump();
  const TokenizerFolder folder{};
  for (std::size_t length = 0; length < content.size(); length += 7) {
    folder.write("tokenizer.json", content.substr(0, length));
    testing::expect_error(ErrorCode::corrupt, "[json] ", [&] { load_tokenizer(folder.path()); });
  }
}

}  // namespace
}  // namespace beeld
